"""Numbers of an image file's header, read in a graph, and checks of them."""

from collections.abc import Callable, Sequence

import tensorflow as tf

from trainer.data.kinds.image.header import MAXIMUM_PIXELS


def chosen(
    index: tf.Tensor, functions: Sequence[Callable[[tf.Tensor], tf.Tensor]], value: tf.Tensor, result: tf.TensorSpec
) -> tf.Tensor:
    """Returns the result of one of the functions for a value.

    The others cost nothing. With `tf.cond`, each operation of the other branches takes time,
    even if it does not run: as much as half the decoding of a small image.

    Args:
      index: which function, an int32 scalar.
      functions: all of results that fit the description.
      value: what it takes.
      result: what it returns.
    """
    given = tf.TensorSpec([None] * value.shape.rank, value.dtype)
    graphs = [tf.function(one, input_signature=[given], autograph=False).get_concrete_function() for one in functions]
    (output,) = tf.raw_ops.Case(
        branch_index=index, input=[value], Tout=[result.dtype], branches=graphs, output_shapes=[result.shape]
    )
    return tf.ensure_shape(output, result.shape)


def numbers(encoded: tf.Tensor, offset: int, count: int, dtype: tf.DType, little: bool = True) -> tf.Tensor:
    """Returns the numbers at an offset of a file's content, `(count,)`; zeros beyond the end of the file.

    Args:
      encoded: the content, a scalar string.
      offset: of the first one's first byte.
      count: how many.
      dtype: their type.
      little: whether the lowest byte is the first.
    """
    end = offset + count * dtype.size
    # Not cut out at the offset: of a file that ends before it, TensorFlow's error quotes the bytes, and Python cannot
    # read that.
    start = tf.io.decode_raw(tf.strings.substr(encoded, 0, end), tf.uint8, fixed_length=end)
    parts = tf.reshape(start[offset:], (count, dtype.size))
    return tf.bitcast(parts if little else parts[:, ::-1], dtype)


def number(data: tf.Tensor, offset: tf.Tensor | int, size: int, little: tf.Tensor | bool = True) -> tf.Tensor:
    """Returns the number at an offset of bytes, `(count,)` uint8, as an int32 scalar.

    Args:
      data: the bytes.
      offset: of the first one, which must be there.
      size: of the number, 1, 2 or 4 bytes; one above 2^31 is negative.
      little: whether the lowest byte is the first.

    Raises:
      tf.errors.InvalidArgumentError: the bytes end before.
    """
    parts = tf.cast(data[offset : offset + size], tf.int32)
    ups = tf.constant([8 * index for index in range(size)], tf.int32)
    shifts = tf.where(little, ups, ups[::-1])
    return tf.reduce_sum(tf.bitwise.left_shift(parts, shifts))


def limit(height: tf.Tensor, width: tf.Tensor) -> tf.control_dependencies:
    """Returns the scope of operations that run only if a header has at most the allowed pixels."""
    pixels = tf.cast(height, tf.int64) * tf.cast(width, tf.int64)
    rule = f"an image must have from 1 to {MAXIMUM_PIXELS:,} pixels"
    return only_where((pixels > 0) & (pixels <= MAXIMUM_PIXELS), rule)


def only_where(condition: tf.Tensor, rule: str) -> tf.control_dependencies:
    """Returns the scope of operations that run only if a condition holds; else the error states the rule."""
    # TensorFlow's own function of this name is a branch in the graph, which takes longer than the check.
    check = tf.raw_ops.Assert(condition=condition, data=[rule], summarize=1)
    return tf.control_dependencies([check] if check is not None else [])
