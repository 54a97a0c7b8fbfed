"""The network in float32, and Keras's layers in place of ours."""

import keras
import numpy as np
import pytest

from tests.serving.formats import digits
from trainer import networks
from trainer.data.form import Form
from trainer.hparams import HParams
from trainer.layers import Conv2D, Dropout
from trainer.serving.formats import network, plain

FORM = Form((9, 8), 3)


def _normalised() -> keras.Model:
    layer = keras.layers.Normalization(name="adapted")
    layer.adapt(digits.samples(FORM))
    return keras.Sequential([keras.Input(FORM.shape), layer, keras.layers.Flatten(), keras.layers.Dense(3)])


def _cast() -> keras.Model:
    image = keras.Input(FORM.shape)
    x = keras.layers.Rescaling(1 / 255, dtype="mixed_bfloat16")(image)
    x = keras.layers.Flatten(dtype="bfloat16")(keras.ops.cast(x, "bfloat16"))
    x = keras.layers.Dense(4, dtype="bfloat16")(x)  # of weights in bfloat16 too
    return keras.Model(image, keras.layers.Dense(3, dtype="float32")(x))


def _nested() -> keras.Model:
    inner = keras.Sequential(
        [keras.Input(FORM.shape), keras.layers.Conv2D(2, 3, dtype="mixed_float16"), keras.layers.Flatten()]
    )
    return keras.Sequential([keras.Input(FORM.shape), inner, keras.layers.Dense(3, dtype="float32")])


def _ours(policy: str = "mixed_bfloat16") -> keras.Model:
    return networks.build(HParams(model="convolutional", filters=2, dense_units=4), FORM, 3, policy).model


@pytest.mark.parametrize("build", [_normalised, _cast, _nested, _ours])
def test_computes_in_float32_with_the_same_weights(build) -> None:
    model = build()
    made = network.in_float32(model)
    images = digits.samples(FORM, 3)
    expected, found = (np.asarray(one(images), np.float32) for one in (model, made))
    np.testing.assert_allclose(found, expected, atol=0.05 * np.abs(expected).max())
    assert not np.array_equal(found, expected) or build is _normalised
    operations = network.Source(made, digits.OUTPUTS, FORM).function().get_concrete_function().graph.get_operations()
    types = {str(tensor.dtype) for operation in operations for tensor in operation.outputs}
    assert not {one for one in types if "float16" in one}


def test_a_file_of_our_network_needs_keras_alone() -> None:
    model = network.in_float32(_ours())
    made = plain.with_keras_layers(model)
    assert plain.needs(made) == []
    assert plain.needs(model) == ["trainer.layers"]
    images = digits.samples(FORM, 3)
    np.testing.assert_allclose(made(images), model(images), atol=1e-5)


def test_a_layer_that_keras_lacks_stays_ours() -> None:
    image = keras.Input(FORM.shape)
    x = Conv2D(2, 3, padding="same", padding_mode="reflect")(image)
    x = Dropout(0.5)(Conv2D(2, 3, padding="same", strides=2, dilation_rate=2)(x))
    made = plain.with_keras_layers(keras.Model(image, keras.layers.Dense(3)(keras.layers.Flatten()(x))))
    assert [type(layer).__module__.partition(".")[0] for layer in made.layers[1:4]] == ["trainer", "trainer", "keras"]
