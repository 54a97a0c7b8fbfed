"""Runs that learn several labels, or numbers: trained, stopped and resumed, exported, asked."""

import base64
import contextlib
import dataclasses
import datetime
import io
import json
import signal
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from rich.console import Console
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.serving.served import served
from trainer import data, predict
from trainer.data.lists.dropped import Dropped
from trainer.environment import Environment
from trainer.errors import StoppedError, UsageError
from trainer.hparams import HParams
from trainer.objectives import goals
from trainer.run import train
from trainer.serving import server
from trainer.serving.formats import export, measure
from trainer.serving.options import Options
from trainer.serving.predictor import Predictor
from trainer.signals import Stop
from trainer.tensorboard.history import History

NAMES = {"labels": ["top", "middle", "bottom"], "numbers": ["height", "width"]}
SCALARS = {"labels": {"average_precision", "f1"}, "numbers": {"mean_absolute_error", "r2"}}
PICTURES = {"labels": {"results/labels"}, "numbers": {"results/scatter/height", "results/scatter/width"}}


def _data(folder: Path, target: str) -> Path:
    """Writes images with bright thirds, or with a bright box of a height and a width."""
    random = np.random.default_rng(0)
    images = random.integers(0, 60, (240, 12, 12), np.uint8)
    if target == "labels":
        targets = (random.random((240, 3)) < 0.4).astype(np.int64)
        for third in range(3):
            images[targets[:, third] == 1, 4 * third : 4 * third + 4] += 150
    else:
        sizes = random.integers(1, 11, (240, 2))
        for image, (height, width) in zip(images, sizes, strict=True):
            image[1 : 1 + height, 1 : 1 + width] += 150
        targets = 1000 + 0.1 * sizes  # far from zero, in a small unit
    np.savez(folder / "a.npz", x=images[..., np.newaxis], y=targets, class_names=np.array(NAMES[target]))
    return folder / "a.npz"


def _hparams(data: Path, target: str, **flags: Any) -> HParams:
    usual: dict[str, Any] = {"filters": 4, "dense_units": 16, "epochs": 3, "batch_size": 32, "learning_rate": 0.01}
    return HParams(data=str(data), target=target, dropout=0.2, precision="float32", **(usual | flags))


class _StopAt(keras.callbacks.Callback):
    def __init__(self, step: int):
        super().__init__()
        self.stop, self._step = Stop(), step

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
        self._first = epoch * self.params["steps"]

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        if self._step <= self._first + batch + 1:
            self.stop(signal.SIGTERM)


def _run(hparams: HParams, root: Path, stopping: _StopAt | None = None) -> train.Result:
    environment = Environment.read({}, str(root), datetime.datetime(2026, 1, 1))
    stop = [stopping] if stopping else []
    screen = Console(file=io.StringIO())
    return train.run(hparams, environment, screen, stop, stopping.stop if stopping else None)


@pytest.fixture(scope="module", params=["labels", "numbers"])
def finished(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path, train.Result]:
    """The target, the folder and the result of a run with pictures."""
    root = tmp_path_factory.mktemp(request.param)
    hparams = _hparams(_data(root, request.param), request.param, epochs=8)
    return request.param, root, _run(hparams, root / "run")


def test_learns_and_says_how_well(finished: tuple[str, Path, train.Result]) -> None:
    target, root, result = finished
    content = json.loads((root / "run" / "model" / "model.json").read_text())
    assert content["classes"] == NAMES[target]
    assert content["target"]["name"] == target
    assert "accuracy" not in content
    if target == "labels":
        assert content["average_precision"] > 0.9
        assert len(content["target"]["thresholds"]) == 3
    else:
        assert content["r2"] > 0.5
        assert content["mean_absolute_error"] < 0.2  # of a number of 1,000, whose spread is 0.3
    assert result.measured in (root / "run" / "checkpoints" / "latest.json").read_text() or result.measured
    assert "not one class each" in (root / "run" / "report.html").read_text()


def test_the_log_has_its_scalars_and_pictures(finished: tuple[str, Path, train.Result]) -> None:
    target, root, _ = finished
    log = EventAccumulator(str(root / "run" / "logs" / "validation"), size_guidance={"tensors": 0}).Reload()
    tags = {*log.Tags()["tensors"]}
    assert tags >= SCALARS[target] | PICTURES[target]
    assert not {tag for tag in tags if tag.startswith(("pr_curve", "results/confusion", "results/worst"))}


def test_predicts_and_serves(finished: tuple[str, Path, train.Result], tmp_path: Path) -> None:
    target, root, _ = finished
    model = root / "run" / "model"
    sample = next(model.glob("sample.*"))
    flags = [f"--model={model}", str(sample)]
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert predict.main([*flags, "--json", f"--explain={tmp_path / 'drawn'}"], io.BytesIO()) == 0
    said = json.loads(printed.getvalue())
    assert (tmp_path / "drawn" / said["explanation"]).exists()
    options = Options(model="", health_route="/health", predict_route="/predict")
    with served(server.app(Predictor(model), options)) as client:
        encoded = {"b64": base64.b64encode(sample.read_bytes()).decode()}
        status, _, answer = client.post("/predict", encoded)
        explained, *_ = client.post("/explain", encoded)
    assert (status, explained) == (200, 200)
    (prediction,) = answer["predictions"]
    if target == "labels":
        assert prediction["labels"] == said["labels"]
        assert len(prediction["probabilities"]) == 3
    else:
        assert prediction["numbers"] == pytest.approx([*said["numbers"].values()])


@pytest.mark.parametrize("target", ["labels", "numbers"])
@pytest.mark.parametrize("flags", [{"feed": "streamed"}, {"feed": "resident", "checkpoint_every": "4"}])
def test_a_stopped_run_ends_as_if_it_had_not_been(tmp_path: Path, target: str, flags: dict[str, Any]) -> None:
    hparams = _hparams(_data(tmp_path, target), target, log_images="never", report="no", epochs=2, **flags)
    whole = _run(hparams, tmp_path / "whole")
    with pytest.raises(StoppedError):
        _run(hparams, tmp_path / "stopped", _StopAt(5))
    resumed = _run(hparams, tmp_path / "stopped")
    assert resumed.measured == whole.measured
    weights = [keras.models.load_model(one.model).get_weights() for one in (whole, resumed)]
    for one, two in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, two)
    assert _run(hparams, tmp_path / "stopped").measured == whole.measured  # finished before


@pytest.mark.parametrize(
    ("target", "flags", "message"),
    [
        ("labels", {"label_smoothing": 0.1}, "`--label_smoothing` must be 0 for labels: .* Received: 0.1"),
        ("numbers", {"mixup": 0.2}, "`--mixup` must be 0 for numbers: a blend"),
        ("numbers", {"class_weights": "auto"}, "`--class_weights` must be none for numbers"),
        (
            "labels",
            {"metric": "auc"},
            "`--metric` must be one of average_precision, f1, loss for labels. Received: auc",
        ),
        ("numbers", {"metric": "f1"}, "`--metric` must be one of mean_absolute_error, r2, loss for numbers"),
    ],
)
def test_rejects_flags_without_a_meaning(tmp_path: Path, target: str, flags: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        _run(_hparams(_data(tmp_path, target), target, **flags), tmp_path / "run")
    assert not (tmp_path / "run").exists() or not [*(tmp_path / "run").iterdir()]


@pytest.mark.parametrize(
    ("target", "name"), [("labels", "f1"), ("labels", "loss"), ("numbers", "r2"), ("numbers", "auto")]
)
def test_the_best_epoch_is_that_of_the_metric(tmp_path: Path, target: str, name: str) -> None:
    flags = {"metric": name, "export": "best", "log_images": "never", "report": "no"}
    hparams, root = _hparams(_data(tmp_path, target), target, **flags), tmp_path / "run"
    result, metric = _run(hparams, root), goals.metric_of(target, name)
    found = History(root / "logs" / "validation").scalars[metric.name].values
    best = (max if metric.goal == "MAXIMIZE" else min)(found)
    assert result.outcome[f"best_{metric.tag}"] == pytest.approx(best)
    assert result.outcome["exported_epoch"] == result.outcome["best_epoch"] == 1 + [*found].index(best)
    assert json.loads((root / "hparams.json").read_text())["configuration"]["metric"] == metric.name
    assert f"test_{metric.name}" in result.outcome
    assert _run(dataclasses.replace(hparams, metric="auto"), root).outcome == result.outcome, "a run keeps its metric"


@pytest.mark.parametrize("format", ["savedmodel", "keras", "onnx", "litert"])
def test_is_exported_to_other_formats(
    format: str, finished: tuple[str, Path, train.Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in {"onnx": ["onnxruntime", "tf2onnx"], "litert": ["ai_edge_litert"]}.get(format, []):
        pytest.importorskip(package)
    monkeypatch.setattr(measure, "_SECONDS", 0.01)
    target, root, _ = finished
    model, asked = root / "run" / "model", {"format": format, "out": str(tmp_path / "out")}
    export.convert(export.Asked(model=str(model), **asked), model, Console(file=io.StringIO()))
    record = json.loads((tmp_path / "out" / "export.json").read_text())
    assert record["target"]["name"] == target
    assert record["output"]["name"] == {"labels": "probabilities", "numbers": "numbers"}[target]
    assert record["parity"]["difference"] <= measure.MOST
    assert record["parity"]["agreement"] == {"labels": 1, "numbers": None}[target]
    readme = (tmp_path / "out" / "README.md").read_text()
    monkeypatch.chdir(tmp_path / "out")
    names: dict[str, Any] = {"samples": np.zeros((2, 12, 12, 1), np.float32)}
    exec(readme.partition("```python\n")[2].partition("```")[0], names)
    assert names[record["output"]["name"]].shape == (2, len(NAMES[target]))


def test_integers_agree_on_the_labels_and_numbers_have_none(
    finished: tuple[str, Path, train.Result], tmp_path: Path
) -> None:
    target, root, _ = finished
    model = root / "run" / "model"
    asked = export.Asked(model=str(model), format="litert", quantize="int8", agreement=0.01, out=str(tmp_path / "out"))
    if target == "numbers":
        with pytest.raises(UsageError, match="`--quantize` must be none for a model of numbers"):
            export.convert(asked, model, Console(file=io.StringIO()))
        return
    pytest.importorskip("ai_edge_litert")
    lines = export.convert(asked, model, Console(file=io.StringIO()))
    assert "the same labels for " in lines[1]


@pytest.mark.parametrize(("target", "word"), [("labels", "of each label"), ("numbers", "two values of each number")])
def test_samples_are_dropped(target: str, word: str, tmp_path: Path) -> None:
    path, listed = _data(tmp_path, target), tmp_path / "drop.csv"
    with np.load(path) as file:
        targets = file["y"]
    whole = data.load(str(path), 0.1, seed=0, target=target)
    listed.write_text("name\n0\n7\n")
    some = data.load(str(path), 0.1, seed=0, target=target, drop=Dropped.read(str(listed)))
    counts = [sum(map(len, (one.train, one.validation, one.test))) for one in (whole, some)]
    assert counts == [240, 238]
    first = targets[:, 0] == (1 if target == "labels" else targets[:, 0])
    kept = [] if target == "labels" else [*np.flatnonzero(targets[:, 0] == targets[0, 0])]
    listed.write_text("\n".join(str(one) for one in np.flatnonzero(first) if one not in kept))
    with pytest.raises(UsageError, match=f"`--drop` must leave .*{word} to train on"):
        data.load(str(path), 0.1, seed=0, target=target, drop=Dropped.read(str(listed)))


@pytest.mark.parametrize("name", ["digits"])
def test_rejects_data_that_hold_classes_alone(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="`--target=numbers` must be used with a manifest .* Received: digits"):
        _run(HParams(data=name, target="numbers"), tmp_path)
