import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer.layers import PowerNormalization


@pytest.mark.parametrize("shape", [(3, 7), (2, 5, 4), (2, 3, 3, 4)])
def test_values_get_their_signed_square_roots(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).normal(0, 10, shape).astype(np.float32)
    expected = np.sign(x) * np.sqrt(np.abs(x))
    np.testing.assert_allclose(PowerNormalization()(x), expected, atol=0.02, rtol=0.02)


def test_the_gradient_at_zero_is_finite() -> None:
    x = tf.constant([0.0, -1.0, 1.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = PowerNormalization()(x)
    slopes = tape.gradient(y, x).numpy()
    assert np.isfinite(slopes).all() and (slopes > 0).all() and y.numpy()[0] == 0


def test_it_is_saved_and_loaded() -> None:
    inputs = keras.Input((4,))
    model = keras.Model(inputs, PowerNormalization(name="power")(inputs))
    again = keras.Model.from_config(model.get_config())
    np.testing.assert_array_equal(again(np.ones((1, 4))), model(np.ones((1, 4))))
