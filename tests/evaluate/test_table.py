from collections.abc import Iterable

import numpy as np
import pytest
from rich.console import Console

from trainer.evaluate import table
from trainer.objectives.evaluation.classes import OfClasses
from trainer.objectives.evaluation.labels import OfLabels
from trainer.objectives.evaluation.numbers import OfNumbers
from trainer.objectives.evaluation.result import Evaluation

_COUNT = 300


def _evaluation(target: str, names: list[str], groups: list[str]) -> Evaluation:
    random = np.random.default_rng(0)
    shares = random.random((_COUNT, len(names))).astype(np.float32) ** 8
    shares /= shares.sum(1, keepdims=True)
    of_classes = random.integers(0, len(names) - 1, _COUNT).astype(np.int32)  # none of the last class
    evaluator, targets, outputs = {
        "classes": (OfClasses(names), of_classes, shares),
        "labels": (
            OfLabels(names, [0.01] * len(names)),
            (random.random(shares.shape) < 0.2).astype(np.float32),
            shares,
        ),
        "numbers": (OfNumbers(names), -1e9 * shares, -1e9 * shares[::-1]),
    }[target]

    def read() -> Iterable[tuple[int, np.ndarray]]:
        return [(0, outputs[:100]), (100, outputs[100:])]

    return evaluator.evaluate(targets, [groups[index % len(groups)] for index in range(_COUNT)], read, "images")


@pytest.mark.parametrize("name", ["{}", "a rather long name of a class, with [markup] and 本 {}", "line\nend {}"])
@pytest.mark.parametrize(("target", "count"), [("classes", 3), ("classes", 120), ("labels", 8), ("numbers", 3)])
def test_fits_80_columns_and_cuts_no_number(target: str, name: str, count: int) -> None:
    groups = ["", *(name.format(group) for group in range(40))]
    found = _evaluation(target, [name.format(number) for number in range(count)], groups)
    screen = Console(width=80, highlight=False)
    with screen.capture() as capture:
        for one in table.tables(
            found, lambda index: f"/a/long/folder/{'of photographs/' * 6}{index}.jpg", "images", "camera"
        ):
            screen.print(one)
    lines = capture.get().splitlines()
    assert max(map(len, lines)) <= 80
    first = found.scores.columns[0]
    head = next(line for line in lines if line.split()[:2] == [first, found.scores.columns[1].split()[0]])
    rows = lines[lines.index(head) + 1 :][: min(count, 30)]
    assert all(row.split()[-1][-1].isdecimal() and "…" not in row[40:] for row in rows)
    assert any(line.startswith(("(none)", "by camera: 30 of 41")) for line in lines)
    assert (lines[0].split()[1:4] == ["30", "of", "120,"]) == (count == 120)
    assert len(lines) < 130
