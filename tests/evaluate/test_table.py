from collections.abc import Iterable

import numpy as np
import pytest
from rich.console import Console

from trainer.evaluate import classes, results, table
from trainer.evaluate.predictions import Part


def _evaluation(names: list[str], groups: list[str], count: int = 300) -> classes.Evaluation:
    random = np.random.default_rng(0)
    targets = random.integers(0, len(names) - 1, count).astype(np.int32)  # none of the last class
    shares = random.random((count, len(names))).astype(np.float32) ** 8
    shares /= shares.sum(1, keepdims=True)

    def read() -> Iterable[tuple[int, Part]]:
        return [(0, Part(shares[:100], {})), (100, Part(shares[100:], {}))]

    return classes.evaluation(names, targets, [groups[index % len(groups)] for index in range(count)], read)


@pytest.mark.parametrize("name", ["{}", "a rather long name of a class, with [markup] and 本 {}", "line\nend {}"])
@pytest.mark.parametrize("count", [3, 120])
def test_fits_80_columns_and_cuts_no_number(name: str, count: int) -> None:
    found = _evaluation([name.format(number) for number in range(count)], ["", *(name.format(g) for g in range(40))])
    wrong = [*results.mistakes(found, lambda index: f"/a/long/folder/{'of photographs/' * 6}{index}.jpg", 10)]
    screen = Console(width=80, highlight=False)
    with screen.capture() as capture:
        for one in table.tables(found, wrong, "images", "camera"):
            screen.print(one)
    lines = capture.get().splitlines()
    assert max(map(len, lines)) <= 80
    rows = lines[lines.index(next(line for line in lines if line.startswith("class "))) + 1 :][: min(count, 30)]
    assert all(row.split()[-1].isdecimal() and "…" not in row[40:] for row in rows)
    assert any(line.startswith(("(none)", "by camera: 30 of 41")) for line in lines)
    assert (lines[0].split()[:3] == ["30", "of", "120"]) == (count == 120)
    assert len(lines) < 110
