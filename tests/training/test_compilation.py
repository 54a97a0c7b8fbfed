import sys

import keras
import pytest
import tensorflow as tf

from tests import forked
from trainer.layers import Dropout
from trainer.training import compilation
from trainer.training.compilation import Compilation


@pytest.mark.parametrize(
    ("asked", "has_gpu", "is_alone", "name", "is_refused"),
    [
        ("auto", False, True, "none", False),
        ("auto", True, True, "xla", False),
        ("auto", True, False, "none", False),
        ("none", True, True, "none", False),
        ("xla", False, True, "xla", False),
        ("xla", True, False, "none", True),
    ],
)
def test_auto_is_xla_on_one_gpu(asked: str, has_gpu: bool, is_alone: bool, name: str, is_refused: bool) -> None:
    chosen = compilation.wanted(asked, has_gpu, is_alone)
    assert (chosen.name, chosen.is_refused) == (name, is_refused)
    assert chosen.reason


class _Crop(keras.layers.Layer):
    def call(self, images: tf.Tensor) -> tf.Tensor:
        boxes = tf.tile([[0.1, 0.1, 0.9, 0.9]], (tf.shape(images)[0], 1))
        return tf.image.crop_and_resize(images, boxes, tf.range(tf.shape(images)[0]), (4, 4))


class _Python(keras.layers.Layer):
    def call(self, images: tf.Tensor) -> tf.Tensor:
        return tf.ensure_shape(tf.py_function(lambda values: values, [images], tf.float32), images.shape)


class _Sized(keras.layers.Layer):
    def call(self, images: tf.Tensor) -> tf.Tensor:
        return images + tf.reduce_sum(tf.range(tf.reduce_max(images)))


def _model(layer: keras.layers.Layer) -> keras.Model:
    layers = [keras.Input((4, 4, 1)), layer, keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)]
    return keras.Sequential(layers)


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (_Crop(), "XLA has no kernel for CropAndResize, which the network has"),
        (_Python(), "XLA has no kernel for EagerPyFunc, which the network has"),
        (_Sized(), "XLA cannot compile the network: "),
    ],
)
def test_what_xla_cannot_compile_is_found_and_named(layer: keras.layers.Layer, reason: str) -> None:
    found = compilation.for_network(Compilation("xla", "asked for"), _model(layer), (2, 4, 4, 1))
    assert (found.name, found.is_refused) == ("none", True)
    assert found.reason.startswith(reason)
    assert "\n" not in found.reason


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.Conv2D(2, 3),
        keras.layers.DepthwiseConv2D(3),
        keras.layers.BatchNormalization(),
        keras.layers.Dropout(0.5),
    ],
)
def test_a_network_that_xla_compiles_is_left_as_it_is(layer: keras.layers.Layer) -> None:
    model, chosen = _model(layer), Compilation("xla", "a GPU")
    before = model.get_weights()
    assert compilation.for_network(chosen, model, (2, 4, 4, 1)) == chosen
    assert all((one == other).all() for one, other in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize(
    ("name", "layer", "expected"),
    [
        ("xla", keras.layers.Dropout(0.5), "Dropout of Keras: XLA draws other random numbers"),
        ("xla", keras.Sequential([keras.layers.GaussianNoise(0.5)]), "GaussianNoise of Keras: XLA draws"),
        ("xla", Dropout(0.5), None),
        ("xla", keras.layers.Dropout(0), None),
        ("none", keras.layers.Dropout(0.5), None),
    ],
)
def test_says_whose_random_numbers_depend_on_xla(name: str, layer: keras.layers.Layer, expected: str | None) -> None:
    found = compilation.notes(Compilation(name, "asked for"), _model(layer))
    assert [line.startswith(str(expected)) for line in found] == ([True] if expected else [])


_DETERMINISTIC = """
import keras
import tensorflow as tf
from trainer.training import compilation

tf.config.experimental.enable_op_determinism()
keras.utils.set_random_seed(0)  # without one, TensorFlow refuses what is random
model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.MaxPooling2D(3, 2), keras.layers.Conv2D(2, 3)])
print(compilation.for_network(compilation.Compilation("xla", "a GPU"), model, (2, 8, 8, 3)).name)
"""


def test_max_pooling_is_compiled_where_tensorflow_is_deterministic_as_it_is_with_a_gpu() -> None:
    process = forked.run([sys.executable, "-c", _DETERMINISTIC], capture_output=True, text=True, check=False)
    assert process.stdout == "xla\n", process.stderr


def test_without_xla_nothing_is_tried() -> None:
    chosen = Compilation("none", "asked for")
    assert compilation.for_network(chosen, _model(_Crop()), (2, 4, 4, 1)) is chosen


def test_where_xla_does_not_work_a_run_goes_on_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise tf.errors.InternalError(None, None, "libdevice not found at ./libdevice.10.bc")

    monkeypatch.setattr(compilation, "_work", fail)
    found = compilation.for_network(Compilation("xla", "a GPU"), _model(keras.layers.Conv2D(2, 3)), (2, 4, 4, 1))
    assert found == Compilation(
        "none", "XLA cannot compile the network: libdevice not found at ./libdevice.10.bc", is_refused=True
    )
