"""A run that one process trains and another one finishes, as the trials of a study."""

import dataclasses
import datetime
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tests.run.test_train import SCREEN, SMALL, StopAt
from trainer.environment import PHASE, Environment, Phase
from trainer.errors import StoppedError
from trainer.hparams import HParams
from trainer.run import train
from trainer.tensorboard.history import History

DRAWN = dataclasses.replace(SMALL, log_images="auto")
STEPS = 21  # of an epoch

pytestmark = pytest.mark.slow


def _run(root: Path, phase: Phase, hparams: HParams = DRAWN, stopping: StopAt | None = None) -> train.Result:
    environment = Environment.read({PHASE: phase.value}, str(root), datetime.datetime(2026, 1, 1))
    own = [stopping] if stopping else []
    return train.run(hparams, environment, SCREEN, own, stopping.stop if stopping else None)


def _weights(root: Path) -> list[np.ndarray]:
    return keras.models.load_model(root / "model" / "model.keras").get_weights()  # type: ignore[no-any-return]


def _latest(root: Path) -> dict[str, Any]:
    return dict(json.loads((root / "checkpoints" / "latest.json").read_text()))


def _pictures(root: Path) -> Sequence[str]:
    found = (History(root / "logs" / part) for part in ("train", "validation"))
    return sorted({tag for history in found for tag in history.encoded})


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, train.Result]:
    root = tmp_path_factory.mktemp("whole")
    return root, _run(root, Phase.WHOLE)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("trained")
    result = _run(root, Phase.TRAINING)
    assert (result.model, result.tested, result.report) == (None, 0, "")
    return root


def test_a_trained_run_has_curves_and_checkpoints_alone(whole: tuple[Path, train.Result], trained: Path) -> None:
    assert not any((trained / "model").iterdir())
    assert not (trained / "report.html").exists()
    assert "result" not in _latest(trained)
    one, two = (_latest(root)["results"] for root in (trained, whole[0]))
    assert [(name, one[name]) for name in one if name != "input_wait"] == [
        pair for pair in two.items() if pair[0] != "input_wait"
    ]
    assert _pictures(trained) == []


def test_a_run_finished_later_is_the_same(whole: tuple[Path, train.Result], trained: Path, tmp_path: Path) -> None:
    root, result = whole
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    later = _run(tmp_path, Phase.FINISH)
    assert (later.test_accuracy, later.outcome) == (result.test_accuracy, result.outcome)
    for one, two in zip(_weights(tmp_path), _weights(root), strict=True):
        np.testing.assert_array_equal(one, two)
    assert _pictures(tmp_path) == _pictures(root)
    assert (tmp_path / "report.html").exists()
    assert {path.name for path in (tmp_path / "model").iterdir()} == {path.name for path in (root / "model").iterdir()}


def test_an_epoch_whose_checkpoint_is_gone_is_trained_again(
    whole: tuple[Path, train.Result], trained: Path, tmp_path: Path
) -> None:
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    shutil.rmtree(tmp_path / "checkpoints" / str(2 * STEPS))
    later = _run(tmp_path, Phase.FINISH, dataclasses.replace(SMALL, report="no"))
    assert later.outcome == whole[1].outcome
    for one, two in zip(_weights(tmp_path), _weights(whole[0]), strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_run_that_was_stopped_early_is_finished_as_it_is(tmp_path: Path) -> None:
    """Within its second epoch: the model has the weights at the end of the first, which was validated."""
    plain = dataclasses.replace(SMALL, report="no")
    with pytest.raises(StoppedError):
        _run(tmp_path, Phase.TRAINING, plain, StopAt(STEPS + 5))
    stopped = _latest(tmp_path)["step"]
    assert stopped > STEPS
    result = _run(tmp_path, Phase.STOPPED, plain)
    assert (result.outcome["epochs"], result.outcome["exported_epoch"], _latest(tmp_path)["step"]) == (1, 1, stopped)
    assert result.tested == 360
