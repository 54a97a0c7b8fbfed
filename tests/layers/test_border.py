"""The padding modes that copy: the pictures, what is too small, and derivatives of both orders."""

import itertools
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.layers import oracle
from trainer.layers import border, padding

PICTURES = {
    "replicate": "11123444",
    "symmetric": "21123443",
    "reflect": "32123432",
    "circular": "34123412",
}


@pytest.mark.parametrize(("mode", "picture"), PICTURES.items())
def test_picture(mode: str, picture: str) -> None:
    x = tf.constant([[[1.0], [2.0], [3.0], [4.0]]])
    assert "".join(str(int(value)) for value in np.ravel(border.pad(x, ((2, 2),), mode, 1))) == picture
    assert f"1234 -> {picture}" in str(padding.__doc__)


@pytest.mark.parametrize("mode", PICTURES)
def test_every_small_pad_and_its_gradient(mode: str) -> None:
    """The gradient of sum(w * pad(x)) to x[i] is the sum of w where x[i] stands: exact in small integers."""
    for size, before, after in itertools.product(range(1, 5), range(4), range(4)):
        if max(before, after) > {"reflect": size - 1, "replicate": 9}.get(mode, size):
            continue
        x = tf.reshape(tf.range(1.0, 2.0 * size + 1), (1, size, 2))
        weights = tf.reshape(tf.range(2.0 * (before + size + after)), (1, -1, 2)) ** 2
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = border.pad(x, ((before, after),), mode, 1)
        np.testing.assert_array_equal(y, oracle.pad(x.numpy(), [(before, after)], mode))
        expected = np.zeros_like(x)
        for place in range(-before, size + after):
            expected[:, oracle.source(place, size, mode)] += weights[:, place + before]
        np.testing.assert_array_equal(tape.gradient(y, x, weights), expected)


@pytest.mark.parametrize("mode", PICTURES)
def test_second_derivative(mode: str) -> None:
    """sum(pad(x) ** 3) has the diagonal second derivative 6 * x * (how often x stands in the result)."""
    x = tf.constant([[[1.0], [2.0], [3.0], [4.0], [5.0]]], "float64")
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = tf.reduce_sum(border.pad(x, ((2, 1),), mode, 1) ** 3)
        slope = inner.gradient(y, x)
    stands = [[oracle.source(place, 5, mode) for place in range(-2, 6)].count(i) for i in range(5)]
    np.testing.assert_allclose(np.ravel(outer.gradient(slope, x)), 6 * np.ravel(x) * stands)


@pytest.mark.parametrize(("mode", "size"), [("reflect", 2), ("symmetric", 1), ("circular", 1)])
def test_rejects_an_axis_too_small(mode: str, size: int) -> None:
    with pytest.raises(ValueError, match=f"`padding` must be at most .* for padding_mode='{mode}' on spatial axis 0"):
        border.pad(tf.zeros((1, size, 1)), ((2, 2),), mode, 1)

    @tf.function(input_signature=[tf.TensorSpec((None, None, 1))])
    def unknown(x: Any) -> Any:
        return border.pad(x, ((2, 2),), mode, 1)

    with pytest.raises(tf.errors.InvalidArgumentError):
        unknown(tf.zeros((1, size, 1)))
