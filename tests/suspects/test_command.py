"""`python -m trainer.data --suspects`, from the predictions of folds to the list and the page."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from trainer import data
from trainer.data.held_out import HeldOut, path_of
from trainer.data.lists.dropped import Dropped
from trainer.suspects import command

ROOT = Path(__file__).parents[2]
WRONG = [5, 6, 20, 31, 44, 59]
SHAPES = {"image": (12, 12), "signal": (40,), "volume": (8, 8, 8)}


def _data(folder: Path, kind: str) -> tuple[Path, np.ndarray]:
    """Writes 60 samples in three classes and 20 test samples; returns the file and the right labels."""
    random = np.random.default_rng(0)
    shape, labels, of_test = SHAPES[kind], np.arange(60) % 3, np.arange(20) % 3
    axes = tuple(range(1, len(shape) + 1))
    made = [random.normal(size=(len(own), *shape)) + np.expand_dims(own, axes) for own in (labels, of_test)]
    samples, test = (np.clip(60 + 60 * one, 0, 255).astype(np.uint8 if kind == "image" else np.float32) for one in made)
    test[4] = samples[10]
    given = labels.copy()
    given[WRONG] = (given[WRONG] + 1) % 3
    np.savez(folder / "data.npz", x_train=samples, y_train=given, x_test=test, y_test=of_test)
    return folder / "data.npz", labels


def _predict(root: Path, right: np.ndarray, given: np.ndarray, kind: str) -> None:
    """Writes the predictions of two folds, by networks that know the right labels."""
    for number in (1, 2):
        own = np.arange(60)[number - 1 :: 2]
        shares = (0.001 + 0.997 * np.eye(3)[right[own]]).astype(np.float32)
        path = path_of(root, number)
        path.parent.mkdir(parents=True)
        HeldOut([*map(str, own)], given[own].astype(np.int32), shares, ["0", "1", "2"], kind).write(path)


@pytest.mark.parametrize("kind", [*SHAPES])
def test_lists_wrong_labels_and_copies_with_pictures(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, right = _data(tmp_path, kind)
    root = tmp_path / "run"
    _predict(root, right, np.load(path)["y_train"], kind)
    rank = len(SHAPES[kind])
    words = ["--suspects", f"--data={path}", "--folds=2", f"--job_dir={root}", f"--rank={rank}"]
    assert command.main(words, {}) == 0
    with (root / "suspects.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["name"] for row in rows if row["problem"] == "label"} == {*map(str, WRONG)}
    assert [(row["name"], row["like"]) for row in rows if row["problem"] == "copy across parts"] == [("10", "test/4")]
    page = (root / "suspects.html").read_text()
    assert page.count("data:image/png;base64") == len({row["name"] for row in rows}) + 1
    assert "across parts: test, train" in page
    said = capsys.readouterr()
    assert said.err == ""
    assert f"--drop={root / 'suspects.csv'}" in said.out
    assert command.main(words, {}) == 0  # again


def test_predictions_of_other_data_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, right = _data(tmp_path, "image")
    root = tmp_path / "run"
    _predict(root, right, right, "image")  # other labels
    assert command.main(["--suspects", f"--data={path}", "--folds=2", f"--job_dir={root}"], {}) == 2
    assert f"`--data` must be the data of the folds in {root}. Received: another label of 6" in capsys.readouterr().err
    assert not (root / "suspects.csv").exists()


@pytest.mark.parametrize("target", ["labels", "numbers"])
def test_lists_wrong_labels_and_numbers_and_a_run_can_drop_them(
    target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    random = np.random.default_rng(0)
    right = random.integers(0, 2, (90, 3)) if target == "labels" else random.normal(50, 9, (90, 2))
    given = right.copy()
    given[WRONG, 0] = 1 - right[WRONG, 0] if target == "labels" else right[WRONG, 0] + 30
    path, root, names = tmp_path / "data.npz", tmp_path / "run", ["red", "round", "old"][: right.shape[1]]
    images = random.integers(0, 255, (90, 8, 8), np.uint8)
    np.savez(path, x=images, y=given, class_names=np.array(names))
    predicted = 0.02 + 0.96 * right if target == "labels" else right + random.normal(0, 1, right.shape)
    for number in (1, 2):
        own = np.arange(90)[number - 1 :: 2]
        fold = path_of(root, number)
        fold.parent.mkdir(parents=True)
        outputs = predicted[own].astype(np.float32)
        HeldOut([*map(str, own)], given[own].astype(np.float32), outputs, names, "image", target).write(fold)
    words = [f"--data={path}", f"--target={target}"]
    assert command.main(["--suspects", *words, "--folds=2", f"--job_dir={root}"], {}) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert f"--data={path} --target={target} --drop={root / 'suspects.csv'}" in said.out
    first = {"labels": "probably wrong labels: 6 of 90 images (", "numbers": "probably wrong numbers: 6 of 90 images\n"}
    assert first[target] in said.out
    with (root / "suspects.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["name"] for row in rows} == {*map(str, WRONG)}
    assert {row["problem"] for row in rows} == {"labels" if target == "labels" else "number"}
    for row in rows:
        index = int(row["name"])
        if target == "labels":
            assert row["predicted"] == ("missing: red" if right[index, 0] else "too many: red")
        else:
            assert float(row["residual"]) > 10
            assert row["label"] == ";".join(f"{one:.6g}" for one in given[index].astype(np.float32))
    assert (root / "suspects.html").read_text().count("data:image/png;base64") == 6
    left = data.load(str(path), 0.1, 0, target=target, drop=Dropped.read(str(root / "suspects.csv")))
    assert sum(len(getattr(left, part)) for part in data.PARTS) == 84


@pytest.mark.slow
def test_trains_the_folds_first_and_a_run_drops_the_list(tmp_path: Path) -> None:
    path, _ = _data(tmp_path, "image")

    def run(*words: str) -> str:
        command = [sys.executable, "-m", *words, f"--data={path}", "--filters=2", "--epochs=2"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    said = run("trainer.data", "--suspects", "--folds=2")
    assert "fold 2 of 2: accuracy" in said
    assert "the final network" not in said
    again = run("trainer.data", "--suspects")
    assert "predictions of the 2 folds in runs/suspects-data/folds" in again
    root = tmp_path / "runs" / "suspects-data"
    listed = len({row["name"] for row in csv.DictReader((root / "suspects.csv").read_text().splitlines())})
    flags = ("--log_images=never", "--report=no", f"--drop={root / 'suspects.csv'}", "--job_dir=run")
    assert f"left out by --drop={root / 'suspects.csv'}: {listed} of 80 images" in run("trainer.task", *flags)
    assert f'"dropped": {listed}' in (tmp_path / "run" / "hparams.json").read_text()
