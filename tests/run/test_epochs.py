"""Runs that stop by themselves, that are given more epochs, and that export their best epoch."""

import dataclasses
import datetime
import io
import json
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from rich.console import Console

from tests.run.test_train import SMALL, StopAt, _logged, _weights
from trainer import data
from trainer.environment import Environment
from trainer.errors import StoppedError, UsageError
from trainer.hparams import UNTIL_BEST, HParams
from trainer.run import train
from trainer.tensorboard.history import History

# Of 21 steps an epoch; a rate at which the validation soon gets worse.
AUTO = dataclasses.replace(SMALL, epochs=UNTIL_BEST, patience=1, learning_rate=0.05, dropout=0.5, checkpoint_every="7")


def _run(
    hparams: HParams, root: Path, own: list[keras.callbacks.Callback] | None = None, at: StopAt | None = None
) -> tuple[train.Result, str]:
    environment = Environment.read({}, str(root), datetime.datetime(2026, 1, 1))
    screen = Console(file=io.StringIO(), width=300)
    callbacks = [*(own or []), *([at] if at else [])]
    result = train.run(hparams, environment, screen, callbacks, at.stop if at else None)
    return result, screen.file.getvalue()  # type: ignore[attr-defined]


def _assert_equal(one: train.Result, other: train.Result) -> None:
    for mine, yours in zip(_weights(one), _weights(other), strict=True):
        np.testing.assert_array_equal(mine, yours)


def _validated(result: train.Result) -> float:
    part = data.load("digits", 0.1, seed=0).validation
    logits = keras.models.load_model(result.model).predict(part.samples, verbose=0)
    return float(np.mean(logits.argmax(1) == part.targets))


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, train.Result, str]:
    """A run of `--epochs=auto` that nothing has interrupted."""
    root = tmp_path_factory.mktemp("auto")
    return root, *_run(AUTO, root)


def test_a_run_stops_by_itself_and_says_so(stopped: tuple[Path, train.Result, str]) -> None:
    root, result, screen = stopped
    outcome = result.outcome
    done, best = outcome["epochs"], outcome["best_epoch"]
    assert f"stopped after epoch {done}; the best was epoch {best} with " in screen
    assert f"\nepoch {done}  " in screen
    assert result.speed * result.seconds == pytest.approx(1293 * done)
    accuracies = History(root / "logs" / "validation").scalars["accuracy"].values
    assert (len(accuracies), outcome["best_val_accuracy"]) == (done, pytest.approx(max(accuracies)))
    assert json.loads((root / "hparams.json").read_text())["outcome"] == outcome
    rates = History(root / "logs" / "train").scalars["learning_rate"].values
    assert rates[-1] == 0
    cool_down = round(0.35 * 26)  # of the recipe's epochs
    assert rates[-1 - cool_down] == pytest.approx(0.05)
    again, _ = _run(AUTO, root)
    assert (again.seconds, again.outcome) == (0.0, outcome)


@pytest.mark.parametrize(
    "before", [30, pytest.param(130, marks=pytest.mark.slow), 0]
)  # steps before the end; in the cool-down, before it, at the end
def test_a_run_of_auto_stopped_anywhere_stops_at_the_same_epoch(
    stopped: tuple[Path, train.Result, str], tmp_path: Path, before: int
) -> None:
    root, whole, _ = stopped
    step = 21 * whole.outcome["epochs"] - before
    with pytest.raises(StoppedError):
        _run(AUTO, tmp_path, at=StopAt(step) if before else StopAt(event="test"))
    result, screen = _run(AUTO, tmp_path)
    assert result.outcome == whole.outcome
    assert "\nresumes from step " in screen
    assert (result.seconds > 0) == (result.speed > 0) == (before > 0)  # no speed of no steps
    _assert_equal(result, whole)
    assert [one[:3] for one in _logged(tmp_path)] == [one[:3] for one in _logged(root)]


@pytest.mark.parametrize("epochs", [UNTIL_BEST, 6])
def test_the_best_epoch_is_exported(stopped: tuple[Path, train.Result, str], tmp_path: Path, epochs: int) -> None:
    """Its validation accuracy is the model's; another `--export` needs no training."""
    if epochs == UNTIL_BEST:
        hparams = AUTO
        shutil.copytree(stopped[0], tmp_path, dirs_exist_ok=True)
    else:
        hparams = dataclasses.replace(AUTO, epochs=epochs, patience=0, schedule="constant")
    last, _ = _run(hparams, tmp_path)
    assert last.outcome["exported_epoch"] == last.outcome["epochs"]
    best, _ = _run(dataclasses.replace(hparams, export="best"), tmp_path)
    assert best.outcome == last.outcome | {"exported_epoch": last.outcome["best_epoch"]}
    assert _validated(best) == pytest.approx(best.outcome["best_val_accuracy"])
    assert best.seconds == 0
    again, _ = _run(hparams, tmp_path)
    assert again.outcome == last.outcome


def test_the_last_epoch_is_exported_where_the_best_is_damaged(tmp_path: Path) -> None:
    hparams = dataclasses.replace(AUTO, schedule="constant")  # without a cool-down
    result, screen = _run(hparams, tmp_path)
    best, last = result.outcome["best_epoch"], result.outcome["epochs"]
    assert f"no better for 1 epoch; stopped; the best was epoch {best} with " in screen
    assert best == last - 1
    for path in (tmp_path / "checkpoints" / str(21 * best)).glob("*.state"):
        path.write_bytes(b"")
    again, screen = _run(dataclasses.replace(hparams, export="best"), tmp_path)
    assert f"checkpoint {21 * best} of the best epoch: " in screen
    assert again.outcome["exported_epoch"] == last


MORE = dataclasses.replace(SMALL, epochs=2, checkpoint_every="7", dropout=0.5, learning_rate=0.01)


@pytest.fixture(scope="module")
def longer(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, train.Result, str]:
    """A finished run of two epochs that was given four, then five."""
    root = tmp_path_factory.mktemp("more")
    _run(MORE, root)
    _run(dataclasses.replace(MORE, epochs=4), root)
    return root, *_run(dataclasses.replace(MORE, epochs=5), root)


def test_a_finished_run_goes_on_with_more_epochs(longer: tuple[Path, train.Result, str]) -> None:
    root, result, screen = longer
    assert "\nresumes from step 84 of 105\n" in screen
    assert (
        "\ncontinues to epoch 5: after epoch 4 the learning rate starts again at 0.005, half of its peak, and decays "
        "to zero\n"
    ) in screen
    assert "\nepoch 5/5  " in screen
    assert result.speed * result.seconds == pytest.approx(1293)
    scalars = History(root / "logs" / "train").scalars["learning_rate"]
    assert scalars.steps == [21, 42, 63, 84, 105]
    np.testing.assert_allclose(scalars.values, [0.0069, 0, 0.0025, 0, 0], atol=1e-4)
    recorded = json.loads((root / "hparams.json").read_text())
    assert recorded["configuration"]["epochs"] == 5
    assert recorded["cycles"] == [
        {"last_epoch": 2, "learning_rate": 0.01},
        {"last_epoch": 4, "learning_rate": 0.005},
        {"last_epoch": 5, "learning_rate": 0.005},
    ]
    again, _ = _run(dataclasses.replace(MORE, epochs=0), root)
    assert again.seconds == 0


@pytest.mark.parametrize(
    "first", [25, pytest.param(0, marks=pytest.mark.slow)]
)  # the step at which the first cycle is stopped
@pytest.mark.parametrize(
    "second", [pytest.param(40, marks=pytest.mark.slow), 47, pytest.param(80, marks=pytest.mark.slow)]
)
def test_wherever_it_stops_a_run_with_more_epochs_is_the_same(
    longer: tuple[Path, train.Result, str], tmp_path: Path, first: int, second: int
) -> None:
    at = StopAt(first) if first else None
    if at:
        with pytest.raises(StoppedError):
            _run(MORE, tmp_path, at=at)
    else:
        _run(MORE, tmp_path)
    four, five = (dataclasses.replace(MORE, epochs=epochs) for epochs in (4, 5))
    with pytest.raises(StoppedError):
        _run(four, tmp_path, at=StopAt(second) if second > 40 else StopAt(event="validation"))
    _run(four, tmp_path)
    result, _ = _run(five, tmp_path)
    _assert_equal(result, longer[1])
    logged, expected = _logged(tmp_path), _logged(longer[0])
    assert [one[:3] for one in logged] == [one[:3] for one in expected]


def test_rejects_fewer_epochs_and_writes_nothing(longer: tuple[Path, train.Result, str], tmp_path: Path) -> None:
    shutil.copytree(longer[0], tmp_path, dirs_exist_ok=True)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(UsageError, match="`--epochs` must be more than 5, .* has done. Received: 3"):
        _run(dataclasses.replace(MORE, epochs=3), tmp_path)
    with pytest.raises(UsageError, match="`--epochs` must be a number of at least 5, .*Received: auto"):
        _run(dataclasses.replace(MORE, epochs=UNTIL_BEST), tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_run_that_has_stopped_by_itself_goes_on_with_more_epochs(
    stopped: tuple[Path, train.Result, str], tmp_path: Path
) -> None:
    shutil.copytree(stopped[0], tmp_path, dirs_exist_ok=True)
    done = stopped[1].outcome["epochs"]
    more = dataclasses.replace(AUTO, epochs=done + 2, patience=0)
    result, screen = _run(more, tmp_path)
    assert f"continues to epoch {done + 2}: after epoch {done} the learning rate starts again at 0.025" in screen
    assert result.outcome["epochs"] == done + 2
    assert History(tmp_path / "logs" / "train").scalars["loss"].steps == [21 * (e + 1) for e in range(done + 2)]
    recorded = json.loads((tmp_path / "hparams.json").read_text())["configuration"]
    assert (recorded["epochs"], recorded["patience"]) == (done + 2, 0)


def _own(folder: Path, **values: Any) -> list[keras.callbacks.Callback]:
    return [
        keras.callbacks.EarlyStopping("val_accuracy", patience=2, restore_best_weights=True, **values),
        keras.callbacks.ModelCheckpoint(str(folder / "best.keras"), "val_accuracy", save_best_only=True),
        keras.callbacks.TerminateOnNaN(),
    ]


@pytest.mark.parametrize(
    "step", [pytest.param(0, marks=pytest.mark.slow), 30, pytest.param(65, marks=pytest.mark.slow)]
)
def test_keras_s_early_stopping_works_and_resumes(tmp_path: Path, step: int) -> None:
    hparams = dataclasses.replace(AUTO, epochs=30, patience=0)
    files, root = tmp_path / "files", tmp_path / "run"
    files.mkdir()
    if step:
        with pytest.raises(StoppedError):
            _run(hparams, root, _own(files), StopAt(step))
    result, _ = _run(hparams, root, _own(files))
    done, best = result.outcome["epochs"], result.outcome["best_epoch"]
    assert done < 30
    accuracies = History(root / "logs" / "validation").scalars["accuracy"].values
    first_best = accuracies.index(max(accuracies))
    assert done == first_best + 3
    assert _validated(result) == pytest.approx(max(accuracies))
    assert best > first_best
    more, screen = _run(dataclasses.replace(hparams, epochs=done + 1), root)
    assert f"after epoch {done} the learning rate starts again" in screen
    assert more.outcome["epochs"] == done + 1
