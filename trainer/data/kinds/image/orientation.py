"""The EXIF orientation of an image file, read in a graph as `header` reads it in Python, and images made upright."""

import functools
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from trainer.data.kinds.image.exif import UPRIGHT
from trainer.data.kinds.image.header import JPEG_FRAMES, JPEG_LONE_MARKERS, WEBP_HAS_EXIF
from trainer.data.kinds.image.reading import chosen, number

_PREFIX = b"Exif\0\0"
_ORIENTATION = 0x0112
_ENTRY = 12  # bytes
_SHORT, _LONG = 3, 4  # TIFF's types
_BEYOND = 64  # zeros after the content, so that what is read at its end is there

# What 1 to 4 ask for, and 5 to 8 after height and width are exchanged.
_TURNS: tuple[Callable[[tf.Tensor], tf.Tensor], ...] = (
    lambda image: image,
    lambda image: image[:, ::-1],
    lambda image: image[::-1, ::-1],
    lambda image: image[::-1],
)

Scalars = tuple[tf.Tensor, tf.Tensor, tf.Tensor]  # the next part's offset; where EXIF begins, 0 for nowhere, and ends


def in_jpeg(encoded: tf.Tensor) -> tf.Tensor:
    """Returns what a JPEG's content notes before its frame, an int32 scalar from 1 to 8; see `exif`."""

    def step(data: tf.Tensor, offset: tf.Tensor) -> Scalars:
        marker, length = number(data, offset + 1, 1), number(data, offset + 2, 2, little=False)
        is_exif = (marker == 0xE1) & _is_text(data, offset + 4, _PREFIX)
        skipped = tf.where(marker == 0xFF, 1, tf.where(_is_one_of(marker, JPEG_LONE_MARKERS), 2, 2 + length))
        is_end = (number(data, offset, 1) != 0xFF) | _is_one_of(marker, JPEG_FRAMES)
        following = tf.where(is_end, tf.size(data), offset + skipped)
        return following, tf.where(is_exif & ~is_end, offset + 4, 0), following

    return _find(encoded, b"Exif", 2, step)


def in_png(encoded: tf.Tensor) -> tf.Tensor:
    """Returns what a PNG's content notes before or behind its pixels, an int32 scalar from 1 to 8; see `exif`."""

    def step(data: tf.Tensor, offset: tf.Tensor) -> Scalars:
        begin = offset + 8
        end = _end(data, begin, number(data, offset, 4, little=False))
        return end + 4, tf.where(_is_text(data, offset + 4, b"eXIf"), begin, 0), end

    return _find(encoded, b"eXIf", 8, step)


def in_webp(encoded: tf.Tensor) -> tf.Tensor:
    """Returns what a WebP's content notes, an int32 scalar from 1 to 8; see `exif`."""

    def step(data: tf.Tensor, offset: tf.Tensor) -> Scalars:
        begin = offset + 8
        end = _end(data, begin, number(data, offset + 4, 4))
        return end + (end - begin) % 2, tf.where(_is_text(data, offset, b"EXIF"), begin, 0), end

    start = tf.io.decode_raw(tf.strings.substr(encoded, 0, 21), tf.uint8, fixed_length=21)
    has_exif = _is_text(start, 12, b"VP8X") & (tf.bitwise.bitwise_and(start[20], WEBP_HAS_EXIF) != 0)
    functions = [lambda encoded: tf.constant(UPRIGHT), lambda encoded: _find(encoded, b"EXIF", 12, step)]
    return chosen(tf.cast(has_exif, tf.int32), functions, encoded, tf.TensorSpec((), tf.int32))


def upright(image: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    """Returns an image, `(height, width, channels)`, turned and mirrored by its orientation, an int32 scalar."""
    functions = [*_TURNS, *(lambda image, turn=turn: turn(tf.transpose(image, (1, 0, 2))) for turn in _TURNS)]
    result = tf.TensorSpec((None, None, image.shape[-1]), image.dtype)
    return chosen(orientation - 1, functions, image, result)


def _find(encoded: tf.Tensor, name: bytes, start: int, step: Callable[[tf.Tensor, tf.Tensor], Scalars]) -> tf.Tensor:
    """Returns the orientation in the first EXIF block of a file's parts.

    Args:
      encoded: the file's content.
      name: four bytes that stand before such a block. Few files have them, and a look for them takes a tenth of the
        time of a walk from part to part.
      start: the first part's offset.
      step: from the content, with zeros behind it, and the offset of a part.
    """
    data = tf.pad(tf.io.decode_raw(encoded, tf.uint8), [[0, _BEYOND]])

    def walk(data: tf.Tensor) -> tf.Tensor:
        size = tf.size(data) - _BEYOND
        _, begin, end = tf.while_loop(
            lambda offset, begin, end: (begin == 0) & (offset < size),
            lambda offset, begin, end: step(data, offset),
            (tf.constant(start), tf.constant(0), tf.constant(0)),
            maximum_iterations=size,
            parallel_iterations=1,
        )
        return tf.cond(begin == 0, lambda: tf.constant(UPRIGHT), lambda: _noted(data[begin:end]))

    is_there = tf.cast(_holds(data, name), tf.int32)
    return chosen(is_there, [lambda data: tf.constant(UPRIGHT), walk], data, tf.TensorSpec((), tf.int32))


def _holds(data: tf.Tensor, text: bytes) -> tf.Tensor:
    """Returns whether four bytes are anywhere in the data."""
    count = (tf.size(data) - 3) // 4 * 4
    (wanted,) = np.frombuffer(text, np.int32)
    shifted = (tf.bitcast(tf.reshape(data[first : first + count], (-1, 4)), tf.int32) for first in range(4))
    return functools.reduce(tf.logical_or, [tf.reduce_any(one == wanted) for one in shifted])


def _noted(block: tf.Tensor) -> tf.Tensor:
    """Returns the orientation in an EXIF block, as `exif.orientation` does."""
    data = tf.pad(block, [[0, _BEYOND]])
    size = tf.size(block)
    start = tf.where(_is_text(data, 0, _PREFIX), len(_PREFIX), 0)
    little = _is_text(data, start, b"II*\0")
    is_tiff = little | _is_text(data, start, b"MM\0*")
    directory = start + number(data, start + 4, 4, little)
    is_there = is_tiff & (directory >= start) & (directory <= size - 2)
    directory = tf.where(is_there, directory, size)
    count = tf.minimum(number(data, directory, 2, little), (size - directory - 2) // _ENTRY)
    begin = directory + 2
    entries = tf.reshape(data[begin : begin + _ENTRY * tf.maximum(count, 0)], (-1, _ENTRY))
    bytes_ = tf.cast(entries, tf.int32)

    def field(first: int, width: int) -> tf.Tensor:
        parts = bytes_[:, first : first + width]
        ups = tf.constant([8 * index for index in range(width)])
        return tf.reduce_sum(tf.bitwise.left_shift(parts, tf.where(little, ups, ups[::-1])), axis=1)

    kinds = field(2, 2)
    values = tf.where(kinds == _SHORT, field(8, 2), field(8, 4))
    is_wanted = (field(0, 2) == _ORIENTATION) & (field(4, 4) == 1) & ((kinds == _SHORT) | (kinds == _LONG))
    found = tf.concat([tf.boolean_mask(values, is_wanted), [UPRIGHT]], 0)[0]
    return tf.where((found >= 1) & (found <= 8), found, UPRIGHT)


def _end(data: tf.Tensor, begin: tf.Tensor, length: tf.Tensor) -> tf.Tensor:
    """Returns where a part of so many bytes ends; at the end of the data, where it is longer than they are."""
    rest = tf.size(data) - begin
    return begin + tf.where((length < 0) | (length > rest), rest, length)


def _is_text(data: tf.Tensor, offset: tf.Tensor | int, text: bytes) -> tf.Tensor:
    return tf.reduce_all(data[offset : offset + len(text)] == tf.constant([*text], tf.uint8))


def _is_one_of(value: tf.Tensor, choices: tuple[int, ...], axis: int | None = None) -> tf.Tensor:
    return tf.reduce_any(value == tf.constant(choices), axis=axis)
