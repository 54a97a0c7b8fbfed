"""Boxes of training samples that are replaced by the sample's mean, for samples with any number of axes.

Source: Zhong et al., "Random Erasing Data Augmentation", 2017.
"""

from collections.abc import Sequence

import tensorflow as tf

from trainer.layers import random_numbers

_LEAST, _MOST = 0.15, 0.45  # of each side of a sample
_FIRST = 16  # column of the random numbers; those before it change the samples in other ways


def change(
    samples: tf.Tensor, share: float, seed: tf.Tensor, *, count: int, first: tf.Tensor, sizes: Sequence[int]
) -> tf.Tensor:
    """Returns consecutive rows of a batch, some of them with a box that has their mean in each channel.

    Args:
      samples: float32, `(rows, *sizes, channels)`.
      share: of the samples that are changed.
      seed: two integers, the step and the seed.
      count: rows of the whole batch.
      first: the first row.
      sizes: of the spatial axes.
    """
    axes = len(sizes)
    numbers = random_numbers.uniform(seed[1], seed[0], count, _FIRST + 1 + 2 * axes, low=0.0, high=1.0)
    own = numbers[first : first + samples.shape[0], _FIRST:]
    is_inside = own[:, 0] < share
    is_inside = tf.reshape(is_inside, (-1, *[1] * (axes + 1)))
    for axis, size in enumerate(sizes):
        length = size * (_LEAST + (_MOST - _LEAST) * own[:, 1 + axis])
        begin = (size - length) * own[:, 1 + axes + axis]
        middles = (tf.range(size, dtype=tf.float32) + 0.5)[tf.newaxis]
        along = (middles >= begin[:, tf.newaxis]) & (middles < (begin + length)[:, tf.newaxis])
        is_inside &= tf.reshape(along, (-1, *[1] * axis, size, *[1] * (axes - axis)))
    means = tf.reduce_mean(samples, axis=[*range(1, axes + 1)], keepdims=True)
    return tf.where(is_inside, means, samples)
