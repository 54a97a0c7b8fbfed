import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainer.data.held_out import HeldOut
from trainer.errors import UsageError
from trainer.objectives.cross_validation.classes import OfClasses
from trainer.study.folds import summary


def _fold(targets: list[int], correct: int, names: Sequence[str]) -> HeldOut:
    """Returns predictions of which so many, the first ones, are right."""
    predicted = [one if row < correct else (one + 1) % len(names) for row, one in enumerate(targets)]
    shares = np.eye(len(names), dtype=np.float32)[predicted]
    return HeldOut([str(one) for one in range(len(targets))], np.array(targets), shares, names, "image")


SIZES = ((27, 31), (26, 31), (28, 30))
RESULT = OfClasses([_fold([0, 1] * (size // 2) + [0] * (size % 2), right, "ab") for right, size in SIZES])


def test_the_lines_fit_a_terminal_of_80_columns() -> None:
    assert [*summary.lines(RESULT)] == [
        "cross-validated accuracy 88.04% (79.85 to 93.19%, 92 images)",
        "  between folds: mean 88.10%, standard deviation 4.81%",
        "the final network is trained on all 3 folds, except its validation part",
    ]


@pytest.mark.parametrize(
    ("sizes", "line"),
    [
        ({"a": 9, "b": 2}, "1 class has fewer images than folds, so some folds lack it: b (2)"),
        (
            {"a": 1, "b": 2, "c": 2, "d": 1},
            "4 classes have fewer images than folds, so some folds lack them: a (1), b (2), c (2) and 1 more",
        ),
    ],
)
def test_says_which_classes_are_smaller_than_the_number_of_folds(sizes: dict[str, int], line: str) -> None:
    targets = [number for number, size in enumerate(sizes.values()) for _ in range(size)]
    result = OfClasses([_fold(some, 1, [*sizes]) for some in (targets[::3], targets[1::3], targets[2::3])])
    assert next(summary.lines(result)) == line


def test_writes_each_fold_and_all_of_them(tmp_path: Path) -> None:
    summary.write(tmp_path, RESULT, {"1": 1.5, "3": 2.0})
    found = json.loads((tmp_path / "folds.json").read_text())
    assert [(one["fold"], one["correct"], one["samples"], one["seconds"]) for one in found["folds"]] == [
        (1, 27, 31, 1.5),
        (2, 26, 31, None),
        (3, 28, 30, 2.0),
    ]
    assert found["accuracy"] == 81 / 92
    assert set(found) == {"accuracy", "interval", "correct", "samples", "mean", "standard_deviation", "folds"}


@pytest.mark.parametrize("content", ["", "[]", '{"1": "x"}', '{"1": 2.5}'])
def test_times_that_cannot_be_read_are_unknown(content: str, tmp_path: Path) -> None:
    (tmp_path / summary.TIMES).write_text(content)
    assert summary.read_times(tmp_path) == ({"1": 2.5} if "2.5" in content else {})


def _record(folder: Path, number: int, **checksums: str) -> None:
    (folder / str(number)).mkdir()
    data: dict[str, Any] = {"classes": ["a"], "counts": {"train": 3}, "checksums": checksums}
    (folder / str(number) / "hparams.json").write_text(json.dumps({"data": data}))


def test_folds_of_other_data_are_refused(tmp_path: Path) -> None:
    _record(tmp_path, 1, parts="p1", contents="c")
    _record(tmp_path, 2, parts="p2", contents="c")
    summary.check_same_data(tmp_path, 2)
    _record(tmp_path, 3, parts="p3", contents="d")
    with pytest.raises(UsageError, match=r"must be the same for all folds; remove .*1 to .*: other samples in fold 1"):
        summary.check_same_data(tmp_path, 3)
