"""A BMP's pixels, in a graph: by a palette, by masks or byte by byte; TensorFlow's own decoder reads few of them.

Source: Microsoft, "Bitmap Storage", BITMAPCOREHEADER to BITMAPV5HEADER.
"""

import tensorflow as tf

from trainer.data.kinds.image.header import BMP_BITS, BMP_HEADERS, BMP_MASKED, BMP_RGB, BMP_RULE
from trainer.data.kinds.image.reading import limit, numbers, only_where

_COLOURS = 256
_RGB15 = (0x7C00, 0x3E0, 0x1F)  # of 16 bits, where no masks are given
_PADDING = b"\0\0\0"  # of the last row, which may be missing


def decode_bmp(encoded: tf.Tensor) -> tf.Tensor:
    """Returns the pixels of a BMP's content, uint8 `(height, width, 3)`; an alpha channel is ignored.

    Raises:
      tf.errors.InvalidArgumentError: it is truncated, compressed, or of an unknown kind.
    """
    begin, header = tf.unstack(numbers(encoded, 10, 2, tf.int32))
    is_core = header == BMP_HEADERS[0]
    core, info = numbers(encoded, 18, 4, tf.uint16), numbers(encoded, 18, 11, tf.int32)
    width = tf.where(is_core, tf.cast(core[0], tf.int32), info[0])
    signed_height = tf.where(is_core, tf.cast(core[1], tf.int32), info[1])
    bits = tf.where(is_core, tf.cast(core[3], tf.int32), tf.bitwise.right_shift(info[2], 16))
    compression = tf.where(is_core, 0, info[3])
    is_masked = (compression == 3) & _is_one_of(bits, (*BMP_MASKED, 24))
    masks = _masks(encoded, bits, is_masked)
    height = tf.abs(signed_height)
    is_known = _is_one_of(header, BMP_HEADERS) & _is_one_of(bits, BMP_BITS) & ((compression == 0) | is_masked)
    is_known &= (bits != 24) | tf.reduce_all(masks == BMP_RGB)
    with limit(height, width), only_where(is_known & tf.reduce_all((masks > 0) | (bits <= 8)), BMP_RULE):
        bits = tf.identity(bits)
        entry = tf.where(is_core, 3, 4)  # bytes of the palette for each colour
        asked = tf.where(is_core, 0, info[7])
        colours = tf.where(
            (asked > 0) & (asked <= 1 << 16), asked, tf.where(bits <= 8, tf.bitwise.left_shift(1, bits), 0)
        )
    palette = 14 + header
    is_right_behind = (begin == palette) & (
        bits <= 8
    )  # some programs forget the palette when they say where pixels are
    begin = tf.where(is_right_behind | (begin == 0), palette + entry * tf.where(bits <= 8, colours, 0), begin)
    stride = tf.cast((tf.cast(width, tf.int64) * tf.cast(bits, tf.int64) + 31) // 32 * 4, tf.int32)
    size = tf.cast(stride, tf.int64) * tf.cast(height, tf.int64)
    length = tf.cast(tf.strings.length(encoded) + len(_PADDING), tf.int64)
    is_whole = (begin >= palette) & (tf.cast(begin, tf.int64) + size <= length)
    with only_where(is_whole, "a BMP must contain all its pixels"):
        pixels = tf.strings.substr(tf.strings.join([encoded, _PADDING]), begin, tf.cast(size, tf.int32))
    rows = tf.reshape(tf.io.decode_raw(pixels, tf.uint8), (height, stride))
    table = tf.strings.substr(encoded, palette, entry * tf.minimum(colours, _COLOURS))
    image = tf.cond(
        bits <= 8,
        lambda: _by_palette(rows, width, bits, tf.io.decode_raw(table, tf.uint8), entry),
        lambda: _by_masks(rows, width, bits, masks),
    )
    return tf.cond(signed_height > 0, lambda: image[::-1], lambda: image)


def _masks(encoded: tf.Tensor, bits: tf.Tensor, is_masked: tf.Tensor) -> tf.Tensor:
    """Returns which bits of a pixel are its red, green and blue, int64 `(3,)`."""
    given = tf.cast(numbers(encoded, 54, 3, tf.uint32), tf.int64)  # behind the header, or the next in a longer one
    default = tf.where(bits == 16, tf.constant(_RGB15, tf.int64), tf.constant(BMP_RGB, tf.int64))
    return tf.where(is_masked & tf.reduce_any(given != 0), given, default)


def _by_palette(rows: tf.Tensor, width: tf.Tensor, bits: tf.Tensor, table: tf.Tensor, entry: tf.Tensor) -> tf.Tensor:
    shifts = tf.cast(tf.range(8 - bits, -1, -bits), tf.uint8)
    highest = tf.cast(tf.bitwise.left_shift(1, bits) - 1, tf.uint8)
    parts = tf.bitwise.bitwise_and(tf.bitwise.right_shift(rows[..., tf.newaxis], shifts), highest)
    indices = tf.reshape(parts, (tf.shape(rows)[0], -1))[:, :width]
    colours = tf.reshape(table[: tf.size(table) // entry * entry], (-1, entry))[:, 2::-1]
    # What is beyond a short palette is black; if that is a ramp of greys, the ramp continues, as in Pillow.
    greys = tf.tile(tf.cast(tf.range(_COLOURS), tf.uint8)[:, tf.newaxis], (1, 3))
    count = tf.shape(colours)[0]
    beyond = tf.where(tf.reduce_all(colours == greys[:count]), greys[count:], tf.zeros_like(greys[count:]))
    return tf.gather(tf.concat([colours, beyond], 0), tf.cast(indices, tf.int32))


def _by_masks(rows: tf.Tensor, width: tf.Tensor, bits: tf.Tensor, masks: tf.Tensor) -> tf.Tensor:
    size = bits // 8
    parts = tf.reshape(rows[:, : width * size], (tf.shape(rows)[0], width, size))
    lowest = tf.bitwise.bitwise_and(masks, -masks)
    highest = masks // lowest
    whole = tf.constant([1 << shift for shift in (0, 8, 16, 24)], tf.int64)
    places = tf.argmax(lowest[:, tf.newaxis] == whole, axis=1, output_type=tf.int32)
    are_bytes = (bits >= 24) & tf.reduce_all((highest == 0xFF) & tf.reduce_any(lowest[:, tf.newaxis] == whole, 1))

    def scaled() -> tf.Tensor:
        ups = tf.range(0, tf.cast(bits, tf.int64), 8)
        values = tf.reduce_sum(tf.bitwise.left_shift(tf.cast(parts, tf.int64), ups), axis=-1, keepdims=True)
        return tf.cast(tf.bitwise.bitwise_and(values, masks) // lowest * 255 // highest, tf.uint8)

    def bytes_() -> tf.Tensor:
        # Usually blue, green and red, for which a gather takes three times as long.
        is_usual = tf.reduce_all(places == (2, 1, 0))
        return tf.cond(is_usual, lambda: parts[..., 2::-1], lambda: tf.gather(parts, places, axis=2))

    return tf.cond(are_bytes, bytes_, scaled)


def _is_one_of(value: tf.Tensor, choices: tuple[int, ...]) -> tf.Tensor:
    return tf.reduce_any(value == tf.constant(choices))
