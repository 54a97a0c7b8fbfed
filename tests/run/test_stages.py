import contextlib
import dataclasses
import datetime
import functools
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from rich.console import Console

from tests.run.test_train import StopAt
from trainer import own_flags
from trainer.environment import Environment
from trainer.errors import StoppedError
from trainer.hparams import UNTIL_BEST, HParams
from trainer.run import train

_OWN = """
import keras

def build(input_shape, classes, width: int = 4):
    layers = [
        keras.Input(input_shape),
        keras.layers.Rescaling(1 / 16),
        keras.layers.Conv2D(width, 3, use_bias=False),
        keras.layers.BatchNormalization(),
        keras.layers.ReLU(),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dropout(0.2, seed=0),
        keras.layers.Dense(classes),
    ]
    return keras.Sequential(layers)
"""
_QUICK = {"epochs": 3, "batch_size": 128, "precision": "float32", "log_images": "never"}


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of a backbone of two blocks for images in colour."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input((None, None, 3))
    maps = inputs
    for block in (1, 2):
        maps = keras.layers.Conv2D(8, 3, padding="same", name=f"block{block}_conv")(maps)
        maps = keras.layers.BatchNormalization(name=f"block{block}_bn")(maps)
        maps = keras.layers.ReLU(name=f"block{block}_relu")(maps)
    path = tmp_path_factory.mktemp("backbone") / "backbone.keras"
    keras.Model(inputs, maps, name="small").save(path)
    return path


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A function of one's own, in a module that can be imported."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "stages_own_network.py").write_text(_OWN)
    sys.path.insert(0, str(folder))
    return "stages_own_network:build"


def _run(hparams: HParams, root: Path, stopping: StopAt | None = None) -> tuple[train.Result, str]:
    environment = Environment.read({}, str(root), datetime.datetime(2026, 1, 1))
    screen = Console(file=io.StringIO(), width=300)
    callbacks, stop = ([stopping], stopping.stop) if stopping else ([], None)
    result = train.run(hparams, environment, screen, callbacks, stop)
    return result, screen.file.getvalue()  # type: ignore[attr-defined]


def _weights(result: train.Result) -> list[np.ndarray]:
    return keras.models.load_model(result.model).get_weights()  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def whole(
    tmp_path_factory: pytest.TempPathFactory, backbone: Path, own: str
) -> Callable[[str], tuple[HParams, list[np.ndarray]]]:
    """Returns, by kind, the hyperparameters of a run and the weights that it ends with when nothing stops it."""
    fine = HParams(model=str(backbone), unfreeze="1", freeze_epochs=1, augment="affine", **_QUICK)
    kinds = {
        "fine-tuned": fine,
        "fine-tuned on two devices": dataclasses.replace(fine, strategy="mirrored"),
        "frozen": HParams(model=str(backbone), augment="affine", **_QUICK),
        "fine-tuned by a recipe": dataclasses.replace(
            fine, average_epochs=0.5, mixup=0.4, erase=0.5, label_smoothing=0.1, schedule="linear"
        ),
        "own": own_flags.hparams_of(own)(model=own, augment="none", **_QUICK),
    }

    @functools.cache
    def whole(kind: str) -> tuple[HParams, list[np.ndarray]]:
        return kinds[kind], _weights(_run(kinds[kind], tmp_path_factory.mktemp("whole"))[0])

    return whole


@pytest.mark.parametrize(
    ("kind", "step", "event"),
    [
        pytest.param("fine-tuned", 4, "", marks=pytest.mark.slow),
        ("fine-tuned", 10, ""),  # the end of the first stage
        pytest.param("fine-tuned", 15, "", marks=pytest.mark.slow),
        pytest.param("fine-tuned on two devices", 15, "", marks=pytest.mark.slow),
        pytest.param("frozen", 15, "", marks=pytest.mark.slow),
        ("fine-tuned by a recipe", 10, ""),
        pytest.param("fine-tuned by a recipe", 15, "", marks=pytest.mark.slow),
        pytest.param("fine-tuned by a recipe", -1, "validation", marks=pytest.mark.slow),
        pytest.param("own", 4, "", marks=pytest.mark.slow),
        ("own", -1, "validation"),
    ],
)
def test_a_run_stopped_in_any_stage_ends_as_if_it_had_not_been(
    whole: Callable[[str], tuple[HParams, list[np.ndarray]]], tmp_path: Path, kind: str, step: int, event: str
) -> None:
    hparams, expected = whole(kind)
    with pytest.raises(StoppedError):
        _run(hparams, tmp_path, StopAt(step, event))
    stage = json.loads((tmp_path / "checkpoints" / "latest.json").read_text())["stage"]
    assert stage == (1 if step > 10 and kind.startswith("fine") else 0)
    for one, other in zip(expected, _weights(_run(hparams, tmp_path)[0]), strict=True):
        np.testing.assert_array_equal(one, other)


def test_each_stage_trains_its_own_layers(backbone: Path, tmp_path: Path) -> None:
    """The frozen stage leaves the backbone alone, the second changes its last block, and no statistics."""
    seen: list[dict[str, np.ndarray]] = []

    class Watch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: object = None) -> None:
            seen.append({variable.path: variable.numpy() for variable in self.model.variables})

    hparams = HParams(model=str(backbone), unfreeze="1", freeze_epochs=1, augment="affine", **_QUICK)
    environment = Environment.read({}, str(tmp_path), datetime.datetime(2026, 1, 1))
    train.run(hparams, environment, Console(file=io.StringIO()), [Watch()])
    first, _, last = seen
    start = {variable.path: variable.numpy() for variable in keras.models.load_model(backbone).variables}
    for path, value in start.items():
        (own,) = (name for name in first if name.endswith(path))
        np.testing.assert_array_equal(first[own], value)
        assert (last[own] != value).any() == ("block2_conv" in path)


@pytest.mark.slow
def test_what_is_frozen_runs_once_over_the_images(backbone: Path, tmp_path: Path) -> None:
    hparams = HParams(model=str(backbone), augment="affine", **_QUICK)
    _, said = _run(hparams, tmp_path / "frozen")
    assert said.count("frozen layers run once over 1,293 images and 2 changed copies of each\n") == 1
    tuned = dataclasses.replace(hparams, unfreeze="1", freeze_epochs=2)
    _, said = _run(tuned, tmp_path / "tuned")  # while a block learns, its images are changed anew in each epoch
    assert said.count("frozen layers run once over 1,293 images and 1 changed copy of each\n") == 1
    unchanged = dataclasses.replace(tuned, augment="none")
    _, said = _run(unchanged, tmp_path / "unchanged")
    assert said.count("frozen layers run once over 1,293 images\n") == 2


@pytest.mark.slow
@pytest.mark.parametrize("step", [4, 15, 25])
@pytest.mark.parametrize("way", ["auto", "more", "early stopping"])
def test_a_run_of_two_stages_that_ends_otherwise_resumes_too(
    backbone: Path, tmp_path: Path, way: str, step: int
) -> None:
    """It stops in its last stage by itself or by a callback, or is given more epochs, which are the last stage's."""
    fine = HParams(model=str(backbone), unfreeze="1", freeze_epochs=1, augment="none", **_QUICK)
    longer = {
        "auto": dataclasses.replace(fine, epochs=UNTIL_BEST, patience=1, schedule="constant"),
        "more": dataclasses.replace(fine, epochs=2),
        "early stopping": dataclasses.replace(fine, epochs=9),
    }[way]

    def run(hparams: HParams, root: Path, stopping: StopAt | None = None) -> train.Result:
        environment = Environment.read({}, str(root), datetime.datetime(2026, 1, 1))
        stop_early = keras.callbacks.EarlyStopping("val_loss", patience=2, min_delta=10, restore_best_weights=True)
        own = [*([stop_early] if way == "early stopping" else []), *([stopping] if stopping else [])]
        return train.run(hparams, environment, Console(file=io.StringIO()), own, stopping.stop if stopping else None)

    def complete(root: Path, at: int) -> train.Result:
        for hparams in (longer, dataclasses.replace(longer, epochs=4)) if way == "more" else (longer,):
            with contextlib.suppress(StoppedError):
                run(hparams, root, StopAt(at))
            result = run(hparams, root)
        return result

    whole, resumed = complete(tmp_path / "whole", 10**6), complete(tmp_path / "resumed", step)
    assert resumed.outcome == whole.outcome
    assert whole.outcome["epochs"] == {"more": 4, "early stopping": 3}.get(way, whole.outcome["epochs"])
    for one, other in zip(_weights(whole), _weights(resumed), strict=True):
        np.testing.assert_array_equal(one, other)
