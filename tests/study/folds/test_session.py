"""Cross-validations as a person starts them: real processes."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import forked
from trainer import task

FLAGS = ("--filters=2", "--dense_units=8", "--epochs=3", "--log_images=never", "--precision=float32")
ROOT = Path(__file__).parents[3]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Returns a file of 60 images in three classes, one of which has a single image."""
    random = np.random.default_rng(0)
    labels = np.array([0, 1] * 29 + [0, 2])
    images = random.integers(0, 90, (60, 12, 12)) + 60 * labels[:, None, None]
    np.savez(tmp_path / "data.npz", x_train=images.astype(np.uint8), y_train=labels)
    return tmp_path / "data.npz"


def _start(folder: Path, *flags: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "trainer.task", *FLAGS, f"--data={folder / 'data.npz'}", *flags],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _result(root: Path) -> Any:
    found = json.loads((root / "folds.json").read_text())
    return {**found, "folds": [{name: one[name] for name in one if name != "seconds"} for one in found["folds"]]}


def _wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 120
    while not condition() and time.monotonic() < until:
        time.sleep(0.02)
    assert condition()


@pytest.mark.slow
def test_folds_that_are_killed_or_stopped_resume_exactly(data: Path) -> None:
    folder = data.parent
    whole = _start(folder, "--folds=3", "--job_dir=whole")
    said, errors = whole.communicate(timeout=300)
    assert (whole.returncode, errors) == (0, "")
    lines = said.splitlines()
    assert lines[0] == "cross-validation with 3 folds; the output of each is in whole/folds/…/log.txt"
    assert [line.split(":")[0] for line in lines[1:4]] == [f"fold {number} of 3" for number in (1, 2, 3)]
    assert lines[4] == "1 class has fewer images than folds, so some folds lack it: 2 (1)"
    assert any(line.startswith("cross-validated accuracy ") and "60 images" in line for line in lines[8:])
    assert not any(line.startswith("test accuracy") for line in lines)
    for number, status in ((signal.SIGKILL, -9), (signal.SIGINT, 130)):
        root = folder / number.name
        process = _start(folder, "--folds=3", f"--job_dir={root}")
        _wait_for((root / "folds" / "2" / "checkpoints" / "latest.json").exists)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == status
        assert ("stopped; the same command with its --job_dir resumes" in errors) == (status == 130)
        again = _start(folder, "--folds=3", f"--job_dir={root}")
        _, errors = again.communicate(timeout=300)
        assert (again.returncode, errors) == (0, "")
        assert _result(root) == _result(folder / "whole")
        for fold in ("1", "2", "3"):
            name = Path("folds") / fold / "predictions.npz"
            assert (root / name).read_bytes() == (folder / "whole" / name).read_bytes()
    card = json.loads((folder / "whole" / "model" / "model.json").read_text())
    assert card["samples"]["test"] == 0
    assert card["accuracy"] == card["cross_validation"]["accuracy"] == _result(folder / "whole")["accuracy"]
    assert sum(score["support"] for score in card["scores"]) == 60


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "status", "message"),
    [
        (["--folds=3", "--learning_rate=1e38"], 3, r"trainer: fold \d of 3: the loss is "),
        (["--folds=3", "--stride=20"], 2, r"trainer: fold 1 of 3: `--stride` must leave every map at least one"),
    ],
)
def test_the_status_is_that_of_a_fold_that_fails(flags: list[str], status: int, message: str, data: Path) -> None:
    process = _start(data.parent, *flags, "--job_dir=run")
    _, errors = process.communicate(timeout=300)
    assert process.returncode == status
    assert re.match(message, errors)
    assert errors.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("target", ["labels", "numbers"])
def test_labels_and_numbers_are_folded_and_their_suspects_listed(target: str, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    images, names = random.integers(0, 255, (40, 8, 8), np.uint8), np.array(["a", "b"])
    targets = random.integers(0, 2, (40, 2)) if target == "labels" else random.normal(5, 1, (40, 2))
    np.savez(tmp_path / "data.npz", x=images, y=targets, class_names=names)
    flags = [*FLAGS, f"--data={tmp_path / 'data.npz'}", f"--target={target}", "--epochs=1", "--report=no"]

    def run(*words: str) -> str:
        command = [sys.executable, "-m", *words, *flags, f"--job_dir={tmp_path / 'run'}"]
        done = forked.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        return str(done.stdout)

    first, second = {
        "labels": ("average_precision", "f1"),
        "numbers": ("mean_absolute_error", "r2"),
    }[target]
    said = run("trainer.task", "--folds=2", "--metric=loss")
    found, card = _result(tmp_path / "run"), json.loads((tmp_path / "run" / "model" / "model.json").read_text())
    assert found["samples"] == sum(one["samples"] for one in found["folds"]) == 40
    assert {first, second, "loss", "fold", "samples"} == {*found["folds"][0]}
    assert card[first] == card["cross_validation"][first]["mean"] == found[first]["mean"]
    assert card["result"]["part"] == "held-out" and [row[0] for row in card["result"]["rows"]] == ["a", "b"]
    assert said.splitlines().count(card["result"]["summary"]) == 2  # after the folds, and at the end
    assert "accuracy" not in said
    again = run("trainer.data", "--suspects")
    assert "predictions of the 2 folds in" in again and "neighbours are not looked at" not in again
    assert f"probably wrong {target}: " in again


@pytest.mark.parametrize(
    ("flags", "variables", "message"),
    [
        (
            ["--folds=1"],
            {},
            "`--folds` must be 0, a number of folds from 2 to 20, or one of them, as in 3/5. Received: 1",
        ),
        (["--folds=6/5"], {}, "`--folds` must name a fold from 1 to 5. Received: 6/5"),
        (
            ["--folds=3", "--job_dir=gs://bucket/run"],
            {},
            "`--folds` must be used with `--job_dir` on this machine. Received",
        ),
        (["--folds=3", "--job_dir=run", "--resume=must"], {}, "`--job_dir` must contain a run with `--resume=must`."),
        (
            ["--folds=3", "--job_dir=run"],
            {"CLOUD_ML_HP_METRIC_FILE": "metrics"},
            "`--folds` must be one fold, as in 1/5, in a trial of a study. Received: 3",
        ),
        (
            ["--folds=1/3", "--job_dir=run"],
            {"TF_CONFIG": '{"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 0}}'},
            "`--folds` must be used on one machine. Received: a cluster of 2 machines",
        ),
    ],
)
def test_rejects_folds_that_cannot_be_trained(
    flags: list[str], variables: dict[str, str], message: str, tmp_path: Path, capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert task.main(flags, variables) == 2
    assert capfd.readouterr().err.startswith(f"trainer: {message}")
    assert not [*tmp_path.iterdir()]
