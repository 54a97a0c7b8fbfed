"""The program that combines models: `python -m trainer.ensemble`."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from trainer import ensemble, task
from trainer.evaluate.__main__ import main as evaluate
from trainer.serving.predictor import Predictor

_PARTS = {"train": slice(0, 28), "test": slice(28, 40)}


def _write(path: Path, targets: np.ndarray, *, size: int = 8, seed: int = 0) -> None:
    """Writes 40 images of noise with their targets."""
    images = np.random.default_rng(seed).integers(0, 255, (40, size, size, 1), np.uint8)
    parts = {f"x_{part}": images[chosen] for part, chosen in _PARTS.items()}
    np.savez(path, **parts, **{f"y_{part}": targets[chosen] for part, chosen in _PARTS.items()})


def _train(folder: Path, data: Path, *flags: str) -> None:
    quick = ["--epochs=2", "--batch_size=8", "--log_images=never", "--report=no", "--quiet"]
    assert task.main([f"--data={data}", f"--job_dir={folder}", *quick, *flags], os.environ) == 0


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs: a and b on the same images, with other seeds and networks; others on other images."""
    folder = tmp_path_factory.mktemp("runs")
    classes = np.arange(40) % 3
    _write(folder / "data.npz", classes)
    _write(folder / "other.npz", classes, seed=1)
    _write(folder / "wide.npz", classes, size=9)
    _write(folder / "two.npz", np.arange(40) % 2)
    _train(folder / "a", folder / "data.npz", "--filters=4", "--dense_units=8")
    _train(folder / "b", folder / "data.npz", "--model=linear", "--seed=1")
    for name in ("other", "wide", "two"):
        _train(folder / name, folder / f"{name}.npz", "--model=linear")
    (folder / "full").mkdir()
    (folder / "full" / "notes").touch()
    return folder


def _predictions(folder: Path, data: Path, *names: str) -> list[np.ndarray]:
    samples = np.load(data)["x_test"]
    return [
        np.array([answer.probabilities for answer in Predictor(folder / name).of_values(samples)]) for name in names
    ]


def test_predicts_the_mean_and_is_tested_on_the_same_samples(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(runs)
    assert ensemble.main(["a", "b/model", f"--out={tmp_path}/both"]) == 0
    first, *alone, last = capsys.readouterr().out.splitlines()
    content = json.loads((tmp_path / "both" / "model.json").read_text())
    assert first.startswith(f"ensemble of 2 networks: test accuracy {content['accuracy']:.2%} (")
    assert first.endswith(", 12 images)")
    assert [line.split(":")[0].strip() for line in alone] == ["a", "b/model"]
    assert last == f"model: {tmp_path}/both/model.keras"
    [found], single = (
        _predictions(tmp_path, runs / "data.npz", "both"),
        _predictions(runs, runs / "data.npz", "a/model", "b/model"),
    )
    np.testing.assert_allclose(found, np.mean(single, 0), atol=1e-5)
    assert [member["flags"].get("seed") for member in content["members"]] == [0, 1]
    assert content["members"][1]["flags"]["model"] == "linear"
    assert "An ensemble of 2 networks: the mean of their predictions." in (tmp_path / "both" / "README.md").read_text()
    assert evaluate([f"--model={tmp_path}/both", "data.npz", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] == pytest.approx(content["accuracy"])


@pytest.mark.parametrize("target", ["labels", "numbers"])
def test_combines_labels_and_numbers(target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = np.random.default_rng(0).uniform(0, 1, (40, 2)).astype(np.float32)
    _write(tmp_path / "data.npz", (values > 0.5).astype(np.int64) if target == "labels" else values)
    for seed in range(2):
        flags = ["--model=linear", f"--target={target}", f"--seed={seed}"]
        _train(tmp_path / str(seed), tmp_path / "data.npz", *flags)
    capsys.readouterr()
    assert ensemble.main([str(tmp_path / "0"), str(tmp_path / "1"), f"--out={tmp_path}/both"]) == 0
    line = capsys.readouterr().out.splitlines()[0]
    found, *single = _predictions(tmp_path, tmp_path / "data.npz", "both", "0/model", "1/model")
    np.testing.assert_allclose(found, np.mean(single, 0), rtol=1e-4, atol=1e-5)
    assert json.loads((tmp_path / "both" / "model.json").read_text())["result"]["summary"] in line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out=x"], "`MODEL` must be the folder of a finished run, or its model/. Received: nothing"),
        (["a", "b"], "`--out` must be a new folder. Received: nothing"),
        (["a", "b", "--uot=x"], "`--uot` is not a flag. Did you mean --out?"),
        (["a", "--out=x"], "`MODEL` must be at least two models, for an ensemble. Received: a"),
        (["a", "b", "--out=full"], "`--out` must be new or an empty folder. Received: full"),
        (["a", "b", "--out=a/hparams.json"], "`--out` must be new or an empty folder. Received: a/hparams.json"),
        (["a", "b", "--out=gs://b/x"], "`--out` must be a folder on this machine. Received: gs://b/x"),
        (["a", "no", "--out=x"],
         "`MODEL` must be the folder model/ of a finished run. Received: no (model.json: No such file or directory)"),
        (["a", "wide", "--out=x"],
         "`MODEL` must take samples of the same form. Received: a and wide, which differ"),
        (["a", "two", "--out=x"],
         "`MODEL` must have the same classes, labels or numbers. Received: a and two, which differ"),
        (["a", "other", "--out=x"],
         "`MODEL` must be trained and tested on the same samples. Received: a and other, which differ"),
        (["a", "b", "--data=other.npz", "--out=x"],
         "`--data` must be what the models were trained on. Received: other.npz (the samples changed)"),
        (["a", "b", "--data=gone.npz", "--out=x"], "`--data` must be "),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_writes_nothing(
    arguments: Sequence[str],
    message: str,
    runs: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(runs)
    before = sorted(runs.rglob("*"))
    assert ensemble.main(arguments) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith(f"trainer.ensemble: {message}")
    assert sorted(runs.rglob("*")) == before


def test_help_needs_no_tensorflow() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "trainer.ensemble", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "MODEL" in done.stdout
    assert " tensorflow" not in done.stderr
