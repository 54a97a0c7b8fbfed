"""Random numbers as a function of (seed, step, row, column): the same on any device, compiled by XLA or not.

TensorFlow's stateless generators give other numbers where XLA compiles them. Here integers are mixed by
multiplications, shifts and exclusive ors alone, which every device computes to the bit. On a CPU that takes a third to
two thirds of the time of `tf.random.stateless_uniform`.

The mixing is `lowbias32`: Wellons, "Prospecting for Hash Functions", 2018,
https://nullprogram.com/blog/2018/07/31/. The numbers of a step are mixed from one word for each row and one for each
column, both mixed themselves: a row alone decides its numbers, whatever other rows there are.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

_FIRST, _SECOND = 0x7FEB352D, 0x846CA68B  # of `lowbias32`
_OFFSET = 0x9E3779B9  # the golden ratio's: 0 alone would be mixed to 0
_COLUMNS = 0x85EBCA6B  # so that a column is not mixed as a row is
_HALF = 16  # bits
_MANTISSA = 24  # bits of a float32
_MOST_CONSTANTS = 2**16


def uniform(seed: Any, step: Any, rows: Any, columns: Any, *, low: float = -1.0, high: float = 1.0) -> tf.Tensor:
    """Returns float32 numbers from `low` to below `high`, `(rows, columns)`.

    Args:
      seed: an integer, or an integer tensor without axes.
      step: likewise.
      rows: the number of rows, counted from 0, or their numbers: an integer tensor, `(rows,)`.
      columns: their number, an integer or a tensor.
      low: the least.
      high: above the greatest.
    """
    mantissas = tf.bitwise.right_shift(words(seed, step, rows, columns), _word(32 - _MANTISSA))
    # Cast from int32, which the CPU has an instruction for.
    return tf.cast(tf.bitcast(mantissas, tf.int32), tf.float32) * ((high - low) / 2**_MANTISSA) + low


def noise(seed: Any, step: Any, rows: Any, columns: Any) -> tf.Tensor:
    """Returns nearly normal float32 numbers of mean 0 and deviation 1, `(rows, columns)`.

    Each is the sum of the four bytes of a word: the greatest is 3.45, and the distribution function is at most 0.008
    from the normal one's. See `uniform`.
    """
    found = words(seed, step, rows, columns)
    pairs = _and(found, 0x00FF00FF) + _and(tf.bitwise.right_shift(found, _word(8)), 0x00FF00FF)
    sums = _and(pairs + tf.bitwise.right_shift(pairs, _word(_HALF)), 0x3FF)
    deviation = ((256**2 - 1) / 12 * 4) ** 0.5
    return (tf.cast(tf.bitcast(sums, tf.int32), tf.float32) - 2 * 255) * (1 / deviation)


def kept(rate: float, seed: Any, step: Any, rows: Any, columns: Any) -> tuple[tf.Tensor, float]:
    """Returns which of `(rows, columns)` are kept where the share `rate` is dropped, and the share that is dropped.

    The share is a whole number of 65,536 parts, the nearest one to what is asked for: two numbers come from each word.
    See `uniform`.
    """
    threshold = min(max(round(rate * 2**_HALF), 1), 2**_HALF - 1)
    found = words(seed, step, rows, -(-columns // 2))
    halves = tf.reshape(tf.bitcast(found, tf.uint16), (tf.shape(found)[0], -1))
    if columns % 2 or not isinstance(columns, int):
        halves = halves[:, :columns]
    return halves >= tf.constant(threshold, tf.uint16), threshold / 2**_HALF


def words(seed: Any, step: Any, rows: Any, columns: Any) -> tf.Tensor:
    """Returns uint32 numbers of 32 random bits, `(rows, columns)`; see `uniform`."""
    key = _mix(_mix(_whole(seed) + _word(_OFFSET)) + _whole(step))
    own = _numbers(rows, _OFFSET) if isinstance(rows, int) else _mix(_whole(rows) + _word(_OFFSET))
    own = _mix(tf.bitwise.bitwise_xor(own, key))
    return _mix(tf.bitwise.bitwise_xor(own[:, tf.newaxis], _numbers(columns, _COLUMNS)))


def _numbers(count: Any, offset: int) -> tf.Tensor:
    """Returns the mixed numbers from 0 to `count`; a graph holds them as they are where they are few."""
    if isinstance(count, int) and count <= _MOST_CONSTANTS:
        numbers = np.arange(count, dtype=np.uint32) + np.uint32(offset)
        return tf.constant(_mixed(numbers, np.bitwise_xor, np.right_shift, np.uint32))
    return _mix(_whole(tf.range(count)) + _word(offset))


def _mix(values: tf.Tensor) -> tf.Tensor:
    return _mixed(values, tf.bitwise.bitwise_xor, tf.bitwise.right_shift, _word)


def _mixed(values: Any, xor: Callable[..., Any], shift: Callable[..., Any], word: Callable[[int], Any]) -> Any:
    values = xor(values, shift(values, word(16))) * word(_FIRST)
    values = xor(values, shift(values, word(15))) * word(_SECOND)
    return xor(values, shift(values, word(16)))


def _whole(value: Any) -> tf.Tensor:
    """Returns an integer, or integers, modulo 2^32."""
    return tf.constant(value % 2**32, tf.uint32) if isinstance(value, int) else tf.cast(value, tf.uint32)


def _and(values: tf.Tensor, mask: int) -> tf.Tensor:
    return tf.bitwise.bitwise_and(values, _word(mask))


def _word(value: int) -> tf.Tensor:
    return tf.constant(value, tf.uint32)
