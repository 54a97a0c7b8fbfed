"""Maps of any rank at another size."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf


def resize(maps: tf.Tensor, sizes: Sequence[int]) -> tf.Tensor:
    """Returns maps `(batch, *spatial)` at other sizes, linear along each axis; an element is an interval, not a point.

    Args:
      maps: one to three spatial axes.
      sizes: of the result, one per axis.
    """
    if len(sizes) == 2:
        return tf.image.resize(maps[..., None], sizes)[..., 0]  # which is bilinear, and knows images alone
    for axis, size in enumerate(sizes, 1):
        matrix = tf.constant(_matrix(maps.shape[axis], size), maps.dtype)
        order = [*range(axis), len(sizes), *range(axis, len(sizes))]  # the new axis is the last: back to where it was
        maps = tf.transpose(tf.tensordot(maps, matrix, [[axis], [1]]), order)
    return maps


def _matrix(length: int, size: int) -> np.ndarray:
    """Returns `(size, length)`, which weights of `length` values make each of `size` values."""
    at = np.clip((np.arange(size) + 0.5) * length / size - 0.5, 0, length - 1)
    return np.asarray(np.maximum(0, 1 - np.abs(at[:, None] - np.arange(length))))
