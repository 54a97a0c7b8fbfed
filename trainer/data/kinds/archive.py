"""Several files as one content, a tar archive: in Python, and read in a graph.

So the frames of a video are one sample, like a file: one record of a shard, one value in a request.

Source: POSIX.1-2008, "pax", ustar Interchange Format.
"""

import os
import tarfile
from collections.abc import Iterable

import tensorflow as tf

from trainer.data.kinds.image.reading import only_where

RULE = "a tar archive must contain only files, with ustar headers"
CUT_RULE = "a tar archive must be complete"

_BLOCK = 512  # bytes; headers and contents fill whole blocks
_MAGIC, _MAGIC_AT = b"ustar", 257
_SIZE_AT, _SIZE_DIGITS, _TYPE_AT = 124, 11, 156  # the size is octal
_FILE_TYPES = b"0\0"
_MOST_NAME = 100  # bytes
_MOST_BYTES = 2**31 - 1  # that a string of a graph is indexed by


def is_one(content: bytes) -> bool:
    """Returns whether a file's first bytes are those of an archive."""
    return content[_MAGIC_AT : _MAGIC_AT + len(_MAGIC)] == _MAGIC


def joined(files: Iterable[tuple[str, bytes]]) -> bytes:
    """Returns an archive of files with their names, in their order; the same for the same ones."""
    parts = []
    for name, content in files:
        header = tarfile.TarInfo(os.fsencode(name)[-_MOST_NAME:].decode("utf-8", "surrogateescape"))
        header.size = len(content)
        parts += [header.tobuf(tarfile.USTAR_FORMAT, "utf-8", "surrogateescape"), content, _padding(len(content))]
    return b"".join([*parts, bytes(2 * _BLOCK)])


def length(sizes: Iterable[int]) -> int:
    """Returns the bytes of an archive of files of these sizes."""
    return sum(_BLOCK + size + len(_padding(size)) for size in sizes) + 2 * _BLOCK


def split(content: bytes) -> list[tuple[str, bytes]]:
    """Returns the files of an archive with their names, in their order.

    Raises:
      ValueError: it is not an archive, is truncated or too large, or has other content, such as a folder.
    """
    if len(content) > _MOST_BYTES:
        raise ValueError(f"{len(content):,} bytes; at most {_MOST_BYTES:,} are read")
    found, offset = [], 0
    while content[offset : offset + 1].strip(b"\0"):
        try:
            header = tarfile.TarInfo.frombuf(content[offset : offset + _BLOCK], "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            raise ValueError(f"{RULE}. Received: one with {error}") from None
        begin, end = offset + _BLOCK, offset + _BLOCK + header.size
        if header.type not in (_FILE_TYPES[:1], _FILE_TYPES[1:]) or header.size < 0:
            raise ValueError(f"{RULE}. Received: {header.name} of type {header.type.decode('latin-1')}")
        if end > len(content):
            raise ValueError(f"{CUT_RULE}. Received: one that is truncated in {header.name}")
        found.append((header.name, content[begin:end]))
        offset = end + len(_padding(header.size))
    if not found:
        raise ValueError(f"{RULE}. Received: none")
    return found


def starts(content: bytes, most: int) -> bytes:
    """Returns an archive of the first bytes of each file of another one.

    Raises:
      ValueError: as `split`.
    """
    files = split(content)
    return joined((name, one[:most]) for name, one in files) if any(len(one) > most for _, one in files) else content


def holds(encoded: tf.Tensor) -> tf.Tensor:
    """Returns whether a content, a scalar string, is an archive, as `is_one`."""
    end = _MAGIC_AT + len(_MAGIC)
    start = tf.io.decode_raw(tf.strings.substr(encoded, 0, end), tf.uint8, fixed_length=end)
    return tf.reduce_all(start[_MAGIC_AT:] == tf.constant([*_MAGIC], tf.uint8))


def contents(encoded: tf.Tensor) -> tf.Tensor:
    """Returns the files of an archive, strings `(count,)`, as `split` without their names; operations of TensorFlow.

    Raises:
      tf.errors.InvalidArgumentError: it is truncated, or has other content.
    """
    whole = tf.strings.length(encoded)
    powers = tf.constant([8 ** (_SIZE_DIGITS - 1 - index) for index in range(_SIZE_DIGITS)], tf.int64)

    def block(offset: tf.Tensor) -> tf.Tensor:
        # At the end, zeros: of an offset beyond it TensorFlow's error quotes the bytes, and Python cannot read that.
        found = tf.strings.substr(encoded, tf.minimum(offset, whole), _BLOCK)
        return tf.io.decode_raw(found, tf.uint8, fixed_length=_BLOCK)

    def step(offset: tf.Tensor, count: tf.Tensor, files: tf.TensorArray) -> tuple[tf.Tensor, tf.Tensor, tf.TensorArray]:
        header = block(offset)
        digits = tf.cast(header[_SIZE_AT : _SIZE_AT + _SIZE_DIGITS], tf.int64) - ord("0")
        is_file = tf.reduce_any(header[_TYPE_AT] == tf.constant([*_FILE_TYPES], tf.uint8))
        with only_where(is_file & tf.reduce_all((digits >= 0) & (digits < 8)), RULE):
            size = tf.reduce_sum(digits * powers)
        with only_where(tf.cast(offset + _BLOCK, tf.int64) + size <= tf.cast(whole, tf.int64), CUT_RULE):
            size = tf.cast(size, tf.int32)
        files = files.write(count, tf.strings.substr(encoded, offset + _BLOCK, size))
        return offset + _BLOCK + -(-size // _BLOCK) * _BLOCK, count + 1, files

    empty = tf.TensorArray(tf.string, 0, dynamic_size=True, element_shape=())
    start = (tf.constant(0), tf.constant(0), empty)
    *_, files = tf.while_loop(lambda offset, *_: block(offset)[0] != 0, step, start, parallel_iterations=1)
    return files.stack()


def _padding(size: int) -> bytes:
    return bytes(-size % _BLOCK)
