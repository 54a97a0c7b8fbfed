from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer.training import pooling

_KINDS = {1: keras.layers.MaxPooling1D, 2: keras.layers.MaxPooling2D, 3: keras.layers.MaxPooling3D}


def _gradients(model: keras.Model, inputs: tf.Tensor, weights: tf.Tensor, jit_compile: bool) -> list[np.ndarray]:
    def step(inputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = model(inputs)
            total = tf.reduce_sum(outputs * weights)
        return outputs, tape.gradient(total, inputs)

    return [np.asarray(one) for one in tf.function(step, jit_compile=jit_compile, autograph=False)(inputs)]


@pytest.mark.parametrize("is_compiled", [False, True])
@pytest.mark.parametrize(
    ("sides", "size", "strides", "padding"),
    [
        ((8, 6), 2, None, "valid"),
        ((7, 9), 2, None, "valid"),  # the last row and column are in no window
        ((7, 9), 2, None, "same"),
        ((9, 8), 3, 2, "same"),  # ResNet's
        ((9, 8), (3, 2), (1, 2), "valid"),
        ((11,), 3, 2, "same"),
        ((6, 5, 4), 2, None, "same"),
    ],
)
def test_the_gradient_is_tensorflows(sides: Any, size: Any, strides: Any, padding: str, is_compiled: bool) -> None:
    random = np.random.default_rng(0)
    inputs = tf.constant(random.integers(0, 3, (2, *sides, 3)), tf.float32)  # many windows have equal values
    layer = _KINDS[len(sides)](size, strides, padding=padding)
    model = keras.Sequential([keras.Input((*sides, 3)), keras.Sequential([layer])])
    weights = tf.constant(random.normal(size=(2, *model.output_shape[1:])), tf.float32)
    expected = _gradients(model, inputs, weights, jit_compile=False)
    with pooling.compiled(model):
        found = _gradients(model, inputs, weights, is_compiled)
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-6, atol=1e-6)
    assert "call" not in vars(layer)


def test_other_layers_are_left_as_they_are() -> None:
    class Own(keras.layers.MaxPooling2D):
        pass

    first = keras.layers.MaxPooling2D(2, data_format="channels_first")
    model = keras.Sequential([keras.Input((8, 8, 3)), Own(2), first])
    with pooling.compiled(model):
        assert all("call" not in vars(layer) for layer in model.layers)
