"""Runs whose best epoch is chosen by `--metric`."""

import dataclasses
import datetime
import io
import json
from pathlib import Path

import keras
import numpy as np
import pytest
from rich.console import Console

from tests.run.test_train import SMALL, StopAt, _weights
from trainer import data
from trainer.environment import Environment
from trainer.errors import StoppedError, UsageError
from trainer.hparams import HParams
from trainer.metrics import METRICS
from trainer.objectives import goals, metrics, scores
from trainer.run import train
from trainer.tensorboard.history import History

# A rate at which the validation soon gets worse.
BEST = dataclasses.replace(SMALL, epochs=3, learning_rate=0.05, export="best", report="no", checkpoint_every="7")


def _run(hparams: HParams, root: Path, at: StopAt | None = None) -> train.Result:
    variables = {"CLOUD_ML_HP_METRIC_FILE": str(root / "reported"), "CLOUD_ML_TRIAL_ID": "1"}
    environment = Environment.read(variables, str(root / "run"), datetime.datetime(2026, 1, 1))
    screen = Console(file=io.StringIO(), width=300)
    return train.run(hparams, environment, screen, [at] if at else [], at.stop if at else None)


def _curve(root: Path, part: str, name: str) -> list[float]:
    points = History(root / "run" / "logs" / part).scalars.get(name)
    return list(points.values) if points else []


def _score(result: train.Result, part: data.Memory, metric: str) -> float:
    logits = keras.models.load_model(result.model).predict(part.samples, verbose=0)
    return scores.score(metric, part.targets, scores.softmax(logits))


@pytest.mark.parametrize("name", [one.name for one in goals.BY_TARGET["classes"] if one.name != "accuracy"])
def test_the_best_epoch_by_a_metric_is_exported_and_reported(name: str, tmp_path: Path) -> None:
    result, metric = _run(dataclasses.replace(BEST, metric=name), tmp_path), METRICS[name]
    found = _curve(tmp_path, "validation", name)
    best = (max if metric.goal == "MAXIMIZE" else min)(found)
    outcome, digits = result.outcome, data.load("digits", 0.1, seed=0)
    assert outcome[f"best_{metric.tag}"] == pytest.approx(best)
    assert outcome["exported_epoch"] == outcome["best_epoch"] == 1 + found.index(best)
    assert _score(result, digits.validation, name) == pytest.approx(best, abs=1e-5)
    assert _score(result, digits.test, name) == pytest.approx(outcome[f"test_{name}"], abs=1e-5)
    lines = [json.loads(line) for line in (tmp_path / "reported").read_text().splitlines()]
    assert [float(line[metric.tag]) for line in lines] == pytest.approx(found)
    assert bool(_curve(tmp_path, "train", name)) == (name == "loss"), "the others are of evaluations alone"
    again = _run(dataclasses.replace(BEST, metric=name), tmp_path)
    assert (again.outcome, again.seconds) == (outcome, 0)


@pytest.mark.parametrize("name", ["macro_f1", "auc"])
def test_an_interrupted_run_has_the_same_metric(name: str, tmp_path: Path) -> None:
    hparams = dataclasses.replace(BEST, metric=name, epochs=2)
    whole = _run(hparams, tmp_path / "whole")
    for step in (10, 21):  # within the first epoch, and before its validation
        with pytest.raises(StoppedError):
            _run(hparams, tmp_path / "stopped", StopAt(step))
    stopped = _run(hparams, tmp_path / "stopped")
    assert stopped.outcome == whole.outcome
    for mine, yours in zip(_weights(stopped), _weights(whole), strict=True):
        np.testing.assert_array_equal(mine, yours)


def test_rejects_an_area_of_a_single_class(tmp_path: Path) -> None:
    images, targets = np.zeros((40, 8, 8), np.uint8), np.array([0] * 20 + [1] * 20)
    arrays = {"x_train": images, "y_train": targets, "x_validation": images[:5], "y_validation": targets[:5]}
    np.savez(tmp_path / "data.npz", **arrays)
    hparams = dataclasses.replace(BEST, metric="auc", batch_size=8, data=str(tmp_path / "data.npz"))
    with pytest.raises(
        UsageError, match=r"`--metric=auc` must be used with a validation part of at least two classes. "
    ):
        _run(hparams, tmp_path)
    assert not (tmp_path / "run" / "hparams.json").exists()


def test_a_run_keeps_its_metric(tmp_path: Path) -> None:
    _run(dataclasses.replace(BEST, epochs=1), tmp_path)
    recorded = json.loads((tmp_path / "run" / "hparams.json").read_text())
    del recorded["configuration"]["metric"]  # as of a version without it
    (tmp_path / "run" / "hparams.json").write_text(json.dumps(recorded))
    assert _run(dataclasses.replace(BEST, epochs=1), tmp_path).seconds == 0
    assert not any(_curve(tmp_path, "validation", name) for name in metrics.MAKE), "nothing is computed unasked"
    with pytest.raises(UsageError, match="--metric=accuracy before, loss now"):
        _run(dataclasses.replace(BEST, epochs=1, metric="loss"), tmp_path)
