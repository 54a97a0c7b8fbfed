"""NumPy's `.npy` files, each one array: their header in Python, and all of them in a graph.

Source: numpy.lib.format, versions 1 to 3. The header is the text of a Python dict, which is matched by the same
expressions here and in the graph, so that both take the same files; nothing is evaluated or unpickled.
"""

import dataclasses
import functools
import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from trainer.data.kinds.image.reading import chosen, only_where

MAGIC = b"\x93NUMPY"

_START = 12  # bytes that say the version and the length of the header, of the longer ones
_MOST_HEADER = 10_000  # bytes, as NumPy reads at the most
_MOST_AXES = 8

# In the syntax that Python and RE2 share. Python 2 wrote `10L`.
_NUMBER = r"[0-9]{1,18}L?"
_DTYPE = r"""['"]descr['"] *: *['"]([<>|=][A-Za-z][0-9]{1,2})['"]"""
_ORDER = r"""['"]fortran_order['"] *: *(True|False)"""
_SHAPE = rf"""['"]shape['"] *: *\(((?: *{_NUMBER} *,)* *(?:{_NUMBER})? *)\)"""
_ITEM = f"{_DTYPE}|{_ORDER}|{_SHAPE}"
_HEADER = rf"\{{ *(?:{_ITEM}) *, *(?:{_ITEM}) *, *(?:{_ITEM}) *,? *\}}[ \n]*"
_AXIS = r"[0-9]+"

_TRUTH = "b1"
# What is stored, by NumPy's letters, and what TensorFlow reads it as. It reads no unsigned numbers of 4 or 8 bytes.
_TYPES: dict[str, tuple[tf.DType, tf.DType]] = {
    _TRUTH: (tf.uint8, tf.uint8),
    "u1": (tf.uint8, tf.uint8),
    "i1": (tf.int8, tf.int8),
    "u2": (tf.uint16, tf.uint16),
    "i2": (tf.int16, tf.int16),
    "u4": (tf.int32, tf.uint32),
    "i4": (tf.int32, tf.int32),
    "u8": (tf.int64, tf.uint64),
    "i8": (tf.int64, tf.int64),
    "f2": (tf.half, tf.half),
    "f4": (tf.float32, tf.float32),
    "f8": (tf.float64, tf.float64),
}
RULE = f"an .npy file must have a NumPy header and hold numbers of the types {', '.join(_TYPES)}"
LENGTH_RULE = "an .npy file must contain the bytes that its shape requires, at least one"


@dataclasses.dataclass(frozen=True, slots=True)
class Npy:
    """What a file's header says.

    Attributes:
      shape: of the array.
      dtype: of its values.
      fortran_order: whether the first axis is the fastest.
      offset: of the first value's first byte.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran_order: bool
    offset: int


def header(content: bytes) -> Npy:
    """Returns what the first bytes of a file say of its array.

    Raises:
      ValueError: it is not such a file, its header is truncated, or its numbers are not supported.
    """
    if content[: len(MAGIC)] != MAGIC:
        raise ValueError("not an .npy file")
    if len(content) < _START:
        raise ValueError("an .npy file with a truncated header")
    if content[6] not in (1, 2, 3):
        raise ValueError(f"an .npy file of version {content[6]}; versions 1 to 3 are supported")
    begin, size = (10, 2) if content[6] == 1 else (12, 4)
    length = int.from_bytes(content[8 : 8 + size], "little")
    if length > _MOST_HEADER:
        raise ValueError(f"an .npy file with a header of {length:,} bytes; at most {_MOST_HEADER:,} are read")
    if len(content) < begin + length:
        raise ValueError("an .npy file with a truncated header")
    return _parsed(content[begin : begin + length].decode("latin-1"), begin + length)


def _parsed(text: str, offset: int) -> Npy:
    if re.search(r"""['"]descr['"] *: *(?:['"]\|O|\[)""", text):
        raise ValueError("an .npy file of objects or records, which are never read")
    found = [re.search(one, text) for one in (_DTYPE, _ORDER, _SHAPE)]
    if not re.fullmatch(_HEADER, text) or not all(found):
        raise ValueError(RULE)
    letters, order, sizes = (one[1] for one in found if one)
    shape = tuple(map(int, re.findall(_AXIS, sizes)))
    if letters[1:] not in _TYPES:
        raise ValueError(f"an .npy file of {letters}; values must be of the types {', '.join(_TYPES)}")
    if len(shape) > _MOST_AXES or not math.prod(shape):
        raise ValueError(f"an .npy file of the shape {shape}; there must be 1 to {_MOST_AXES} axes, and none empty")
    return Npy(shape, np.dtype(letters), order == "True", offset)


def decode(encoded: tf.Tensor) -> tf.Tensor:
    """Returns the values of a file, float32 of the shape that its header says; operations of TensorFlow alone.

    Truth values are 0 and 255; see `trainer.data.kinds.stored`.

    Args:
      encoded: the file's content, a scalar string.

    Raises:
      tf.errors.InvalidArgumentError: it is no such file, or it is shorter or longer than its header says.
    """
    return _decoder()(encoded)


@functools.cache
def _decoder() -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns `decode` as one operation of a graph; see `trainer.data.kinds.image.decode`."""
    as_one: Callable[[tf.Tensor], tf.Tensor] = tf.function(
        _decode,
        input_signature=[tf.TensorSpec((), tf.string)],
        autograph=False,
        experimental_attributes={"_noinline": True},
    )
    return as_one


def _decode(encoded: tf.Tensor) -> tf.Tensor:
    text, values = _parts(encoded)
    found = [tf.strings.regex_replace(text, rf"(?s)^.*{one}.*$", r"\1") for one in (_DTYPE, _ORDER, _SHAPE)]
    is_sound = tf.strings.regex_full_match(text, _HEADER)
    for one in (_DTYPE, _ORDER, _SHAPE):
        is_sound &= tf.strings.regex_full_match(text, rf"(?s).*{one}.*")
    letters = tf.strings.substr(found[0], 1, -1)
    which = tf.reduce_sum(tf.where(tf.constant([*_TYPES]) == letters, tf.range(1, len(_TYPES) + 1), 0)) - 1
    with only_where(is_sound & (which >= 0), RULE):
        axes = tf.strings.split(tf.strings.regex_replace(found[2], "[^0-9]+", " "))
        shape = tf.strings.to_number(axes, tf.int64)
    sizes = tf.constant([stored.size for stored, _ in _TYPES.values()], tf.float64)
    wanted = tf.reduce_prod(tf.cast(shape, tf.float64)) * tf.gather(sizes, tf.maximum(which, 0))
    length = tf.cast(tf.strings.length(values), tf.float64)
    with only_where((wanted == length) & (length > 0) & (tf.size(shape) <= _MOST_AXES), LENGTH_RULE):
        is_big = tf.cast(tf.strings.substr(found[0], 0, 1) == ">", tf.int32)
    flat = chosen(2 * which + is_big, _readers(), values, tf.TensorSpec((None,), tf.float32))
    return tf.cond(
        found[1] == "True",
        lambda: tf.transpose(tf.reshape(flat, shape[::-1])),
        lambda: tf.reshape(flat, shape),
    )


def _parts(encoded: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the header's text and the bytes of the values."""
    start = tf.cast(tf.io.decode_raw(tf.strings.substr(encoded, 0, _START), tf.uint8, fixed_length=_START), tf.int32)
    is_long = start[6] > 1
    begin = tf.where(is_long, 12, 10)
    length = start[8] + 256 * start[9] + tf.where(is_long, 65536 * (start[10] + 256 * tf.minimum(start[11], 1)), 0)
    is_npy = tf.reduce_all(start[:6] == tf.constant([*MAGIC])) & (start[6] >= 1) & (start[6] <= 3)
    is_there = (length <= _MOST_HEADER) & (begin + length <= tf.strings.length(encoded))
    with only_where(is_npy & is_there, RULE):
        # TensorFlow's error of an offset beyond the end quotes the bytes, and Python cannot read that.
        return tf.strings.substr(encoded, begin, length), tf.strings.substr(encoded, begin + length, -1)


def _readers() -> list[Callable[[tf.Tensor], tf.Tensor]]:
    """Returns what reads each type, the lowest byte first and last."""

    def reader(letters: str, little: bool) -> Callable[[tf.Tensor], tf.Tensor]:
        stored, meant = _TYPES[letters]
        if letters == _TRUTH:
            return lambda values: tf.where(tf.io.decode_raw(values, stored) != 0, 255.0, 0.0)
        return lambda values: tf.cast(
            tf.bitcast(tf.io.decode_raw(values, stored, little_endian=little), meant), tf.float32
        )

    return [reader(letters, little) for letters in _TYPES for little in (True, False)]
