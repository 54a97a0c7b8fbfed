"""A GIF's first frame, in a graph, on the whole canvas.

Source: CompuServe, "Graphics Interchange Format, Version 89a".
"""

import tensorflow as tf

from trainer.data.kinds.image.header import GIF_RULE
from trainer.data.kinds.image.reading import limit, number, only_where

_BEYOND = 16  # zeros after the content, so that what is read at its end is there
_SCREEN = 13  # bytes of the header
_EXTENSION, _CONTROL, _IMAGE = 0x21, 0xF9, 0x2C


def decode_gif(encoded: tf.Tensor) -> tf.Tensor:
    """Returns the pixels of the first frame, uint8 `(height, width, 3)`, in the colours of the palette.

    A pixel that is transparent has the colour that its index has, and so has the canvas around a frame that does not
    fill it: of the transparent index or, without one, of the first.

    Raises:
      tf.errors.InvalidArgumentError: it is truncated, or has no frame or no colours.
    """
    data = tf.pad(tf.io.decode_raw(encoded, tf.uint8), [[0, _BEYOND]])
    size = tf.strings.length(encoded)
    with only_where(size > _SCREEN, GIF_RULE):
        flags = number(data, 10, 1)
    colours = _SCREEN + _palette(flags)
    offset, transparent = _first_frame(data, size, colours)
    with only_where((offset + 10 <= size) & (number(data, offset, 1) == _IMAGE), GIF_RULE):
        left, top, wide, high = (number(data, offset + at, 2) for at in (1, 3, 5, 7))
    own = number(data, offset + 9, 1)
    width, height = (tf.maximum(number(data, at, 2), end) for at, end in ((6, left + wide), (8, top + high)))
    palette = tf.where(_palette(own) > 0, offset + 10, _SCREEN)
    with only_where((_palette(own) > 0) | (_palette(flags) > 0), GIF_RULE), limit(high, wide), limit(height, width):
        # The decoder leaves transparent pixels black, and fills no canvas: so the frame is all that it gets.
        alone = tf.strings.join(
            [
                tf.strings.substr(encoded, 0, 6),
                tf.strings.substr(encoded, offset + 5, 4),  # the frame's sides as the screen's
                tf.strings.substr(encoded, 10, colours - 10),
                b"\x2c\0\0\0\0",
                tf.strings.substr(encoded, offset + 5, size - offset - 5),
            ]
        )
    frame = tf.ensure_shape(tf.io.decode_image(alone, channels=3, expand_animations=False), (None, None, 3))
    frame = frame[:high, :wide]  # the largest of all frames decides what the decoder returns
    around = data[palette + 3 * transparent : palette + 3 * transparent + 3]

    def on_canvas() -> tf.Tensor:
        beside = [[top, height - top - high], [left, width - left - wide], [0, 0]]
        is_frame = tf.pad(tf.ones_like(frame[..., :1], tf.bool), beside)
        return tf.where(is_frame, tf.pad(frame, beside), around)

    return tf.cond((wide == width) & (high == height), lambda: frame, on_canvas)


def _palette(flags: tf.Tensor) -> tf.Tensor:
    """Returns the bytes of a palette with these flags."""
    is_there = tf.bitwise.bitwise_and(flags, 0x80) > 0
    return tf.where(is_there, tf.bitwise.left_shift(3, tf.bitwise.bitwise_and(flags, 7) + 1), 0)


def _first_frame(data: tf.Tensor, size: tf.Tensor, start: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the offset of the first block that is no extension, and the transparent index before it, else 0."""

    def step(offset: tf.Tensor, transparent: tf.Tensor, is_inside: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        length = number(data, offset, 1)
        is_control = ~is_inside & (number(data, offset + 1, 1) == _CONTROL)
        has_index = is_control & (tf.bitwise.bitwise_and(number(data, offset + 3, 1), 1) > 0)
        following = offset + tf.where(is_inside, 1 + length, 2)
        index = tf.where(has_index, number(data, offset + 6, 1), tf.where(is_control, 0, transparent))
        return following, index, tf.where(is_inside, length > 0, True)

    offset, transparent, _ = tf.while_loop(
        lambda offset, transparent, is_inside: (offset < size) & (is_inside | (number(data, offset, 1) == _EXTENSION)),
        step,
        (start, tf.constant(0), tf.constant(False)),
        parallel_iterations=1,
    )
    return offset, transparent
