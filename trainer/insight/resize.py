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
        # Gathered, for a matrix of weights from 8,000 points to 16,000 took a gigabyte.
        before, after, share = _neighbours(maps.shape[axis], size)
        share = tf.constant(share.reshape(-1, *(1,) * (len(sizes) - axis)), maps.dtype)
        maps = (1 - share) * tf.gather(maps, before, axis=axis) + share * tf.gather(maps, after, axis=axis)
    return maps


def _neighbours(length: int, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns which of `length` values are before and after each of `size` values, and the share of the second."""
    at = np.clip((np.arange(size) + 0.5) * length / size - 0.5, 0, length - 1)
    before = at.astype(np.int32)
    return before, np.minimum(before + 1, length - 1), at - before
