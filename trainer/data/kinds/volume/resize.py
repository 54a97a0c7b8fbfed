"""Volumes at other sizes, by linear interpolation along each axis."""

from collections.abc import Sequence

import tensorflow as tf

_MOST_STRETCHED = 4  # times the form's size along an axis: a volume that is larger shows something else
_RULE = f"a volume must be at most {_MOST_STRETCHED} times as long, in mm, as the training volumes"


def resize(volumes: tf.Tensor, sizes: Sequence[int] | tf.Tensor) -> tf.Tensor:
    """Returns volumes, `(batch, depth, height, width, channels)`, at other sizes, float32.

    Linear interpolation is separable: two axes are resized, and then the third. Where an axis becomes shorter, each
    voxel is a weighted mean of all that it covers, so that fine patterns do not become coarse ones.

    Args:
      volumes: of any numbers.
      sizes: `(depth, height, width)`.
    """
    shape, channels = tf.shape(volumes), volumes.shape[-1]
    batch, depth = shape[0], shape[1]
    high, wide = sizes[1], sizes[2]
    planes = tf.reshape(volumes, (batch * depth, shape[2], shape[3], channels))
    planes = tf.image.resize(planes, (high, wide), antialias=True)
    rows = tf.reshape(planes, (batch, depth, high * wide, channels))
    rows = tf.image.resize(rows, (sizes[0], high * wide), antialias=True)
    return tf.reshape(rows, (batch, sizes[0], high, wide, channels))


def fit(volume: tf.Tensor, sizes: Sequence[int] | tf.Tensor) -> tf.Tensor:
    """Returns a volume, `(depth, height, width, channels)`, at other sizes; one that has them already as it is."""
    volume = tf.cast(volume, tf.float32)
    same = tf.reduce_all(tf.shape(volume)[:3] == sizes)
    return tf.cond(same, lambda: volume, lambda: resize(volume[tf.newaxis], sizes)[0])


def fit_spaced(volume: tf.Tensor, spacing: tf.Tensor, sizes: Sequence[int], wanted: Sequence[float]) -> tf.Tensor:
    """Returns a volume at another spacing, its middle in the middle of other sizes.

    Missing borders get its least value; the rest is cropped.

    Args:
      volume: `(depth, height, width, channels)`.
      spacing: of its voxels along each axis, `(3,)`.
      sizes: `(depth, height, width)` that it is brought to.
      wanted: the spacing that it is brought to.

    Raises:
      tf.errors.InvalidArgumentError: along an axis it is more than four times as long as the result.
    """
    ratio = spacing / tf.constant(wanted, tf.float32)
    lengths = tf.maximum(1.0, tf.round(tf.cast(tf.shape(volume)[:3], tf.float32) * ratio))
    most = _MOST_STRETCHED * tf.constant(sizes, tf.float32)
    check = tf.raw_ops.Assert(condition=tf.reduce_all(lengths <= most), data=[_RULE], summarize=1)
    with tf.control_dependencies([check] if check is not None else []):
        lengths = tf.cast(lengths, tf.int32)
    spaced = fit(volume, lengths)
    beyond = lengths - tf.constant(sizes)
    first = tf.maximum(beyond, 0) // 2
    kept = tf.slice(spaced, tf.concat([first, [0]], 0), tf.concat([tf.minimum(lengths, sizes), [-1]], 0))
    before = tf.maximum(-beyond, 0) // 2
    after = tf.maximum(-beyond, 0) - before
    borders = tf.concat([tf.stack([before, after], 1), [[0, 0]]], 0)
    padded = tf.pad(kept, borders, constant_values=tf.reduce_min(spaced))
    return tf.reshape(padded, (*sizes, volume.shape[-1]))
