"""Images under affine maps, by TensorFlow's own kernel or by operations that XLA compiles."""

import tensorflow as tf


def transform(images: tf.Tensor, maps: tf.Tensor, *, repeats_edges: bool, is_compiled: bool) -> tf.Tensor:
    """Returns each image under its own map, linearly between its pixels.

    Args:
      images: `(batch, height, width, channels)`, float32.
      maps: `(batch, 6)`: output pixel (x, y) is input pixel (a x + b y + c, d x + e y + f).
      repeats_edges: whether an image goes on beyond its edges as at them; else there is 0.
      is_compiled: whether XLA compiles this, which has no kernel for the operation that is the fastest without it.
    """
    return (_gathered if is_compiled else _kernel)(images, maps, repeats_edges)


def parts(images: tf.Tensor, boxes: tf.Tensor, *, is_compiled: bool) -> tf.Tensor:
    """Returns a part of each image, in the size of the whole, linearly between its pixels.

    Args:
      images: `(batch, height, width, channels)`, float32.
      boxes: top, left, bottom and right as shares of the sides, `(batch, 4)`; a part whose left is more than its right
        is mirrored.
      is_compiled: as in `transform`.
    """
    if not is_compiled:
        # A third of the time of a map, which these parts could be written as too.
        return tf.image.crop_and_resize(images, boxes, tf.range(images.shape[0]), images.shape[1:3])
    top, left, bottom, right = tf.unstack(boxes, axis=1)
    return _along(_along(images, top, bottom, 1), left, right, 2)


def _kernel(images: tf.Tensor, maps: tf.Tensor, repeats_edges: bool) -> tf.Tensor:
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.pad(maps, ((0, 0), (0, 2))),
        output_shape=images.shape[1:3],
        fill_value=0.0,
        fill_mode="NEAREST" if repeats_edges else "CONSTANT",
        interpolation="BILINEAR",
    )


def _gathered(images: tf.Tensor, maps: tf.Tensor, repeats_edges: bool) -> tf.Tensor:
    batch, height, width, channels = images.shape
    a, b, c, d, e, f = (one[:, tf.newaxis, tf.newaxis] for one in tf.unstack(maps, axis=1))
    x, y = tf.range(width, dtype=tf.float32), tf.range(height, dtype=tf.float32)[:, tf.newaxis]
    across, down = a * x + b * y + c, d * x + e * y + f  # (batch, height, width)
    if repeats_edges:
        across, down = tf.clip_by_value(across, 0.0, width - 1.0), tf.clip_by_value(down, 0.0, height - 1.0)
    pixels = tf.reshape(images, (batch, height * width, channels))

    def read(row: tf.Tensor, column: tf.Tensor) -> tf.Tensor:
        rows, columns = tf.clip_by_value(row, 0.0, height - 1.0), tf.clip_by_value(column, 0.0, width - 1.0)
        found = tf.gather(pixels, tf.cast(rows * width + columns, tf.int32), batch_dims=1)
        return found * tf.cast((rows == row) & (columns == column), tf.float32)[..., tf.newaxis]

    left, top = tf.floor(across), tf.floor(down)
    right_share, bottom_share = (across - left)[..., tf.newaxis], (down - top)[..., tf.newaxis]
    upper = (1 - right_share) * read(top, left) + right_share * read(top, left + 1)
    lower = (1 - right_share) * read(top + 1, left) + right_share * read(top + 1, left + 1)
    return (1 - bottom_share) * upper + bottom_share * lower


def _along(images: tf.Tensor, begin: tf.Tensor, end: tf.Tensor, axis: int) -> tf.Tensor:
    """Returns a part of one axis of each image, in the length of the whole axis; `begin` and `end` are shares of it."""
    last = images.shape[axis] - 1
    positions = begin[:, tf.newaxis] * last + tf.range(last + 1, dtype=tf.float32) * ((end - begin)[:, tf.newaxis])
    positions = tf.clip_by_value(positions, 0.0, float(last))
    before = tf.floor(positions)
    share = tf.reshape(positions - before, (-1, *(last + 1 if other == axis else 1 for other in (1, 2)), 1))
    index = tf.cast(before, tf.int32)
    low, high = (tf.gather(images, one, axis=axis, batch_dims=1) for one in (index, tf.minimum(index + 1, last)))
    return low + share * (high - low)
