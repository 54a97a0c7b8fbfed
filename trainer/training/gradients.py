"""How large gradients are."""

import math
from collections.abc import Sequence

import keras
import tensorflow as tf


def square(gradient: tf.Tensor | tf.IndexedSlices | None) -> tf.Tensor:
    """Returns the sum of a gradient's squares; 0 where a variable has none."""
    if gradient is None:
        return tf.constant(0.0)
    values = gradient.values if isinstance(gradient, tf.IndexedSlices) else gradient
    return tf.reduce_sum(tf.square(tf.cast(values, tf.float32)))


def norms(squares: Sequence[float], variables: Sequence[keras.Variable]) -> dict[str, float]:
    """Returns the gradient norm of each layer, from each of its variables' squares."""
    sums: dict[str, float] = {}
    for square, variable in zip(squares, variables, strict=True):
        layer = variable.path.split("/")[-2]
        sums[layer] = sums.get(layer, 0.0) + float(square)
    return {layer: math.sqrt(total) for layer, total in sums.items()}
