"""`python -m trainer.evaluate` of a model of numbers."""

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from sklearn import metrics

from tests.evaluate.conftest import COUNT, exported
from tests.gcs.server import serve
from tests.serving import models
from trainer.evaluate import __main__ as program
from trainer.objectives.numbers import Numbers

NAMES = ("turn", "size")
IMAGES = models.pixels(COUNT, 8)
CONTENTS = models.encoded(IMAGES)
_MODEL = models.build(classes=2)
PREDICTED = tf.function(lambda batch: _MODEL(batch, training=False))(tf.constant(IMAGES, tf.float32)).numpy()
TRUE = (PREDICTED + np.random.default_rng(5).normal(size=PREDICTED.shape)).astype(np.float32)

Run = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(tmp_path_factory.mktemp("numbers") / "model", _MODEL, Numbers(NAMES), target="numbers")


def _manifest(root: Path, names: tuple[str, ...] = NAMES, **columns: list[str]) -> Path:
    root.mkdir()
    with (root / "list.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["image", *names, *columns])
        for index, content in enumerate(CONTENTS):
            (root / f"{index:02d}.png").write_bytes(content)
            values = [repr(float(one)) for one in TRUE[index]]
            rows.writerow([f"{index:02d}.png", *values, *(one[index] for one in columns.values())])
    return root / "list.csv"


def _npz(root: Path) -> Path:
    root.mkdir()
    np.savez(root / "a.npz", x=IMAGES, y=TRUE, class_names=np.array(NAMES))
    return root / "a.npz"


def _check(found: dict[str, Any], which: Any = slice(None)) -> None:
    true, predicted = TRUE[which], PREDICTED[which]
    error, r2 = metrics.mean_absolute_error(true, predicted), metrics.r2_score(true, predicted)
    assert found["samples"] == len(true)
    assert found["mean_absolute_error"] == pytest.approx(error, abs=1e-5)
    assert found["r2"] == pytest.approx(r2, abs=1e-5)
    for name, value in (("mean_absolute_error", error), ("r2", r2)):
        low, high = found[f"{name}_interval"]
        assert low < value < high


@pytest.mark.parametrize("write", [_manifest, _npz], ids=lambda one: one.__name__)
def test_equals_scikit_learn(write: Callable[[Path], Path], model: Path, run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    status, found, _ = run(write(tmp_path / "data"), f"--out={out}", model=model)
    assert (status, found["part"]) == (0, "all")
    _check(found)
    for number, one in enumerate(found["numbers"]):
        errors = PREDICTED[:, number] - TRUE[:, number]
        assert one["number"] == NAMES[number]
        assert one["mean_absolute_error"] == pytest.approx(np.abs(errors).mean(), abs=1e-5)
        assert one["root_mean_square_error"] == pytest.approx(np.sqrt(np.square(errors).mean()), abs=1e-5)
        assert one["mean_error"] == pytest.approx(errors.mean(), abs=1e-5)
        assert one["r2"] == pytest.approx(metrics.r2_score(TRUE[:, number], PREDICTED[:, number]), abs=1e-5)
    with (out / "mistakes.csv").open() as file:
        rows = [*csv.DictReader(file)]
    assert len(rows) == TRUE.size
    errors = np.abs(PREDICTED - TRUE)
    relative = [abs(float(one["error"])) / errors[:, NAMES.index(one["number"])].mean() for one in rows]
    assert relative == pytest.approx(sorted(relative, reverse=True), abs=1e-5)
    index = int(re.findall(r"(\d+)(?:\.png|\])$", rows[0]["sample"])[0])
    assert float(rows[0]["true"]) == pytest.approx(TRUE[index, NAMES.index(rows[0]["number"])], abs=1e-5)
    assert (out / "scatter.png").stat().st_size > 1000
    assert found == json.loads((out / "evaluation.json").read_text())


def test_groups_and_other_columns(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], run: Run) -> None:
    hands = ["left" if index % 3 else "right" for index in range(COUNT)]
    data = _manifest(tmp_path / "data", hand=hands, weight=["3"] * COUNT)
    _, found, said = run(data, "--by=hand", model=model)
    assert found["unknown_numbers"] == ["weight"]
    assert "numbers that the model does not predict are ignored: weight\n" in said
    assert "hand" not in said
    for hand in ("left", "right"):
        _check(found["groups"][hand], np.array(hands) == hand)
    assert program.main([f"--model={model}", str(data), "--by=hand"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert re.match(r"mean absolute error [\d.]+ \([\d.]+ to [\d.]+, 60 images\), R² [\d.-]+ \(", lines[0])
    assert all(len(line) <= 80 for line in lines[1:])


def test_rejects_data_without_the_numbers(model: Path, run: Run, tmp_path: Path) -> None:
    data = _manifest(tmp_path / "data", ("turn", "mass"))
    status, _, said = run(data, model=model)
    assert status == 2
    assert said.endswith(f"must have the numbers of the model: turn, size. Received: {data}, with turn, mass\n")


def test_shards_meet_in_a_bucket(
    model: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = _npz(tmp_path / "data")
    _, local, _ = run(data, f"--out={tmp_path / 'out'}", model=model)
    with serve(rate_limit=False) as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        server.put("bucket", "other", b"")
        words = [f"--model={model}", str(data), "--out=gs://bucket/out"]
        assert program.main([*words, "--shard=1/2"]) == 0
        assert capsys.readouterr().out == (
            "shard 1 of 2 is done: 32 of 60 images are predicted; the last shard writes the result\n"
        )
        status, found, said = run(data, "--out=gs://bucket/out", "--shard=2/2", model=model)
        assert (status, found, said) == (0, local, "")
        assert server.objects("bucket")["out/evaluation.json"] == (tmp_path / "out" / "evaluation.json").read_bytes()
        again = run(data, "--out=gs://bucket/out", model=model)[1]  # without a new prediction
        assert again == local
        status, _, said = run(data, "--out=gs://bucket", model=model)
        assert (status, "`--out` must be a new folder" in said, "(contains other)" in said) == (2, True, True)
        status, _, said = run(data, "--out=gs://missing/out", model=model)
        assert (status, "`gs://…` must be in a bucket that exists" in said) == (2, True)
