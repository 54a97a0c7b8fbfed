"""Steps that XLA compiles, and samples that the device keeps: whole runs on the CPU."""

import dataclasses
import datetime
import functools
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from rich.console import Console

from tests import forked
from tests.run.test_train import SMALL, StopAt
from trainer import data, own_flags
from trainer.environment import Environment
from trainer.errors import StoppedError
from trainer.hparams import HParams
from trainer.run import feeds, train
from trainer.training import hardware

# On a CPU, XLA runs a convolution within a loop on one thread.
HPARAMS = dataclasses.replace(SMALL, augment="affine", dropout=0.5, epochs=2, filters=2, batch_size=16)


def _dataset(shape: tuple[int, ...] = (8, 8, 1)) -> data.Dataset:
    """Returns 165, 37 and 20 samples in two classes, by default images of 8x8 pixels."""
    random, form = np.random.default_rng(0), data.Form(shape[:-1], shape[-1])
    stores = []
    for count in (165, 37, 20):
        targets = random.integers(0, 2, count).astype(np.int32)
        samples = random.integers(0, 100, (count, *shape)) + 100 * targets.reshape(-1, *[1] * len(shape))
        stores.append(data.Memory(samples.astype(np.uint8), targets, form))
    return data.Dataset(*stores, 2, ("dark", "bright"))


def _run(
    hparams: HParams, root: Path, stopping: StopAt | None = None, shape: tuple[int, ...] = (8, 8, 1)
) -> tuple[list[np.ndarray], str]:
    """Returns the weights of a run, and what it said."""
    screen = Console(file=io.StringIO(), width=300)
    environment = Environment.read({}, str(root), datetime.datetime(2026, 1, 1))
    callbacks, stop = ([stopping], stopping.stop) if stopping else ([], None)
    result = train.run(hparams, environment, screen, callbacks, stop, read=lambda *_: _dataset(shape))
    model = keras.models.load_model(result.model)
    return model.get_weights(), screen.file.getvalue()  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], list[np.ndarray]]:
    """Returns the weights of a run, by `--compile` and `--feed`."""

    @functools.cache
    def weights(compile: str, feed: str) -> list[np.ndarray]:
        hparams = dataclasses.replace(HPARAMS, compile=compile, feed=feed)
        return _run(hparams, tmp_path_factory.mktemp(f"{compile}-{feed}"))[0]

    return weights


@pytest.mark.parametrize(
    ("asked", "memory", "runs", "expected"),
    [
        ("auto", 0, 1, False),  # no GPU
        ("auto", 3 * 202 * 72, 1, True),  # 202 images of 64 pixels, and their targets of 8 bytes
        ("auto", 3 * 202 * 72 - 3, 1, False),
        ("auto", 3 * 202 * 72, 2, False),
        ("auto", 6 * 202 * 72, 2, True),
        ("resident", 0, 2, True),
        ("streamed", 10**9, 1, False),
    ],
)
def test_a_device_keeps_what_fits_a_third_of_its_memory(
    asked: str, memory: int, runs: int, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "device_memory", lambda: memory)
    dataset = _dataset()
    assert feeds.is_resident(asked, (dataset.train, dataset.validation), runs) == expected


@pytest.mark.parametrize("compile", ["none", pytest.param("xla", marks=pytest.mark.slow)])
def test_resident_and_streamed_samples_give_the_same_weights(
    weights: Callable[[str, str], list[np.ndarray]], compile: str
) -> None:
    for one, other in zip(weights(compile, "resident"), weights(compile, "streamed"), strict=True):
        np.testing.assert_array_equal(one, other)


def test_compiled_steps_give_the_same_weights_within_rounding(
    weights: Callable[[str, str], list[np.ndarray]],
) -> None:
    for one, other in zip(weights("xla", "resident"), weights("none", "auto"), strict=True):
        np.testing.assert_allclose(one, other, rtol=0.02, atol=2e-3)
        assert one.dtype != np.int64 or (one == other).all()  # dropout's count of steps


@pytest.mark.slow
@pytest.mark.parametrize("feed", ["resident", "streamed"])
def test_a_compiled_run_that_was_stopped_ends_as_if_it_had_not_been(
    weights: Callable[[str, str], list[np.ndarray]], tmp_path: Path, feed: str
) -> None:
    hparams = dataclasses.replace(HPARAMS, compile="xla", feed=feed)
    with pytest.raises(StoppedError):
        _run(dataclasses.replace(hparams, checkpoint_every="3"), tmp_path, StopAt(13))
    resumed, _ = _run(hparams, tmp_path)
    for one, other in zip(resumed, weights("xla", "resident"), strict=True):
        np.testing.assert_array_equal(one, other)


def test_several_devices_keep_the_samples_each(tmp_path: Path) -> None:
    hparams = dataclasses.replace(HPARAMS, strategy="mirrored", compile="xla")
    (kept, said), (read, _) = (
        _run(dataclasses.replace(hparams, feed=feed), tmp_path / feed) for feed in ("resident", "streamed")
    )
    assert "\ncompile none: several devices may share each batch\n" in said
    for one, other in zip(kept, read, strict=True):
        np.testing.assert_array_equal(one, other)


_DETERMINISTIC = """
import dataclasses
import pathlib
import sys
import tensorflow as tf
from tests.run import test_feeds

tf.config.experimental.enable_op_determinism()
hparams = dataclasses.replace(test_feeds.HPARAMS, epochs=1, compile=sys.argv[1], log_images="epoch")
print(test_feeds._run(hparams, pathlib.Path(sys.argv[2]))[1])
"""


@pytest.mark.parametrize("compile", ["none", pytest.param("xla", marks=pytest.mark.slow)])
def test_a_run_ends_where_tensorflow_is_deterministic_as_it_is_with_a_gpu(compile: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", _DETERMINISTIC, compile, str(tmp_path)]
    process = forked.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    assert ("\ncompile xla: asked for\n" in process.stdout) == (compile == "xla")
    assert "epoch 1/1" in process.stdout


_OWN = """
import keras
import tensorflow as tf

@keras.saving.register_keras_serializable("feeds")
class Crop(keras.layers.Layer):
    def call(self, images):
        boxes = tf.tile([[0.1, 0.1, 0.9, 0.9]], (tf.shape(images)[0], 1))
        return tf.image.crop_and_resize(images, boxes, tf.range(tf.shape(images)[0]), (6, 6))

def build(input_shape, classes):
    flat = [keras.layers.Flatten(), keras.layers.Dense(classes)]
    return keras.Sequential([keras.Input(input_shape), keras.layers.Rescaling(1 / 255), Crop(), *flat])
"""


def test_a_network_that_xla_cannot_compile_is_trained_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "feeds_own_network.py").write_text(_OWN)
    monkeypatch.syspath_prepend(tmp_path)
    quick = {"epochs": 1, "batch_size": 16, "precision": "float32", "log_images": "never"}
    hparams = own_flags.hparams_of("feeds_own_network:build")(model="feeds_own_network:build", compile="xla", **quick)
    _, said = _run(hparams, tmp_path / "run")
    assert "\ncompile none: XLA has no kernel for CropAndResize, which the network has\n" in said
    record = json.loads((tmp_path / "run" / "hparams.json").read_text())
    assert (record["machine"]["compile"], record["compilation"]["name"]) == ("none", "none")


def test_a_run_records_how_it_was_compiled_and_says_when_that_changes(tmp_path: Path) -> None:
    hparams = dataclasses.replace(HPARAMS, epochs=1)
    with pytest.raises(StoppedError):
        _run(hparams, tmp_path, StopAt(3))
    _, said = _run(dataclasses.replace(hparams, compile="xla"), tmp_path)
    assert "\ncompile xla: asked for\n" in said
    assert "\nnot bit-exact, because sums may be rounded differently: compile none then, xla now\n" in said
    record = json.loads((tmp_path / "hparams.json").read_text())
    assert record["compilation"] == {"name": "none", "reason": "a CPU, whose own kernels are faster"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "values"),
    [
        ((8, 8, 3), {"model": "residual", "filters": 4, "depth": 1}),
        ((24, 2), {"model": "convolutional"}),
        ((6, 6, 6, 1), {"model": "convolutional"}),
        ((8, 8, 1), {"model": "linear"}),
        ((8, 8, 1), {"precision": "float16"}),
        ((8, 8, 1), {"precision": "bfloat16", "optimizer": "adamw", "padding": "causal"}),
    ],
)
def test_each_kind_and_network_is_compiled(shape: tuple[int, ...], values: dict[str, Any], tmp_path: Path) -> None:
    hparams = HParams(epochs=2, batch_size=32, log_images="never", **({"precision": "float32"} | values))
    found = {}
    for compile, feed in (("none", "auto"), ("xla", "resident"), ("xla", "streamed")):
        chosen = dataclasses.replace(hparams, compile=compile, feed=feed)
        found[compile, feed], said = _run(chosen, tmp_path / f"{compile}-{feed}", shape=shape)
        assert ("compile xla: asked for" in said) == (compile == "xla")
    plain, resident, streamed = found.values()
    for one, other, third in zip(plain, resident, streamed, strict=True):
        np.testing.assert_allclose(one, other, rtol=0.05, atol=0.02)
        np.testing.assert_array_equal(other, third)
