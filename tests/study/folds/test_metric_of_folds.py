"""A metric other than the accuracy over the folds of a cross-validation."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score

from trainer.data.held_out import HeldOut
from trainer.metrics import METRICS
from trainer.objectives.cross_validation.classes import OfClasses
from trainer.study.folds import summary


def _folds(*classes: int) -> list[HeldOut]:
    """Returns the predictions of folds, each with so many classes among its samples."""
    random, found = np.random.default_rng(0), []
    for count in classes:
        values = random.random((30, 3)).astype(np.float32)
        targets = np.arange(30, dtype=np.int32) % count
        names = [str(one) for one in range(30)]
        found.append(HeldOut(names, targets, values / values.sum(1, keepdims=True), "abc", "image"))
    return found


@pytest.mark.parametrize("name", ["macro_f1", "loss"])
def test_it_is_the_mean_of_the_folds(name: str, tmp_path: Path) -> None:
    folds = _folds(3, 3, 3)
    expected = [
        f1_score(one.targets, one.probabilities.argmax(1), average="macro")
        if name == "macro_f1"
        else -np.mean(np.log(one.probabilities[np.arange(30), one.targets].astype(np.float64)))
        for one in folds
    ]
    result = OfClasses(folds, METRICS[name])
    found = result.others
    assert found and found.values == pytest.approx(expected, rel=1e-6)
    mean, deviation = np.mean(expected), np.std(expected, ddof=1)
    said = f"cross-validated {name} {mean:.4f}: mean of 3 folds, standard deviation {deviation:.4f}"
    assert said in [*summary.lines(result)]
    assert result.fold(1).endswith(f" images), {name} {expected[0]:.4f}")
    summary.write(tmp_path, result, {})
    written = json.loads((tmp_path / summary.NAME).read_text())
    assert written["metric"] == {"name": name, "mean": found.mean, "standard_deviation": found.deviation}
    assert [one[name] for one in written["folds"]] == found.values


def test_a_fold_without_an_area_is_left_out(tmp_path: Path) -> None:
    folds = _folds(3, 1)
    result = OfClasses(folds, METRICS["auc"])
    found = result.others
    assert found and found.mean == found.values[0] and found.deviation is None
    assert "auc" not in result.fold(2)
    summary.write(tmp_path, result, {})
    assert json.loads((tmp_path / summary.NAME).read_text())["folds"][1]["auc"] is None
    nothing = OfClasses(folds[1:], METRICS["auc"]).others
    assert nothing and [*nothing.lines()] == []


def test_the_accuracy_is_in_each_result_anyway() -> None:
    assert OfClasses(_folds(3)).others is None
