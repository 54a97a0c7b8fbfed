"""Shards of `tf.train.Example`: each image's offset in them, found without reading one."""

import mmap
import re
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

from trainer.data.lists.entries import Entry, part_named
from trainer.errors import UsageError

_SHARD = re.compile(r".*\.tfrecords?(-\d+-of-\d+)?|.*-\d{5}-of-\d{5}")
_HEADER, _FOOTER = 12, 4  # bytes: a length and its checksum; the content's checksum
_ENCODED = ("image/encoded", "image", "image_raw", "encoded")
_LABEL = ("image/class/label", "label", "class")
_TEXT = ("image/class/text", "class/text", "class_name")
_NAME = ("image/filename", "filename")

Field = tuple[int, int, int]  # its number, and where its content begins and ends, or the number that it is


def shards(folder: Path) -> list[Path]:
    """Returns the shards in a folder, and in its folders that are named after parts."""
    above = [folder, *(one for one in sorted(folder.iterdir()) if one.is_dir() and part_named(one.name))]
    return [file for one in above for file in sorted(one.iterdir()) if _SHARD.fullmatch(file.name) and file.is_file()]


def read(folder: Path) -> list[Entry]:
    """Returns the images of a folder's shards.

    A shard's part is what its name begins with, as in `train-00000-of-00010.tfrecord`, or its folder's; else its images
    are still to be split. An example has its image in `image/encoded` and its class in `image/class/text`, or, as a
    number, in `image/class/label`; `image` and `label` will do.

    Raises:
      UsageError: a shard is broken, or an example lacks a field; the message names the shard and the example.
    """
    return [entry for shard in shards(folder) for entry in _entries(shard, folder)]


def _entries(shard: Path, folder: Path) -> Iterator[Entry]:
    part = part_named(shard.parent.name if shard.parent != folder else re.split(r"[-_.]", shard.name)[0])
    if not shard.stat().st_size:
        return
    with shard.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        content = memoryview(mapped)
        try:
            for number, (begin, end) in enumerate(_records(content, shard)):
                where = f"{shard}, example {number}"
                try:
                    label, name, first, last = _example(content, begin, end, where)
                except (IndexError, struct.error, UnicodeDecodeError):
                    raise UsageError(f"{where}: must be a tf.train.Example. Received: something else") from None
                name = name or f"{shard.relative_to(folder)}:{number}"
                yield Entry(str(shard), label, name, part or "", first, last - first)
        finally:
            content.release()


def _records(content: memoryview, shard: Path) -> Iterator[tuple[int, int]]:
    """Yields where each record's content begins and ends."""
    offset = 0
    while offset < len(content):
        if offset == 0 and bytes(content[:2]) == b"\x1f\x8b":
            raise UsageError(f"{shard}: must be a TFRecord file that is not compressed. Received: gzip")
        if offset + _HEADER > len(content):
            raise UsageError(f"{shard}: must end with a whole record. Received: one that is cut off at byte {offset:,}")
        (length,) = struct.unpack_from("<Q", content, offset)
        begin, end = offset + _HEADER, offset + _HEADER + length
        if end + _FOOTER > len(content):
            raise UsageError(f"{shard}: must be a TFRecord file. Received: a record of {length:,} bytes at {offset:,}")
        yield begin, end
        offset = end + _FOOTER


def _example(content: memoryview, begin: int, end: int, where: str) -> tuple[str, str, int, int]:
    """Returns the class's name, the image's, which may be empty, and where the image begins and ends."""
    found: dict[str, tuple[int, int]] = {}
    for features in _messages(content, begin, end, 1):
        for feature in _messages(content, *features, 1):
            first, last = next(_messages(content, *feature, 1), (begin, begin))
            for value in _messages(content, *feature, 2):
                found[str(content[first:last], "utf-8")] = value
    image = _first(found, _ENCODED)
    text, number = _first(found, _TEXT), _first(found, _LABEL)
    if not (image and (text or number)):
        raise UsageError(
            f"{where}: must have image/encoded and image/class/label. Received: {', '.join(sorted(found))}"
        )
    encoded = _bytes(content, image)
    if encoded is None:
        raise UsageError(f"{where}: `image/encoded` must hold bytes. Received: another kind of value")
    for field in (text, number):
        label = _text(content, field) if field else ""
        if label:
            name = _first(found, _NAME)
            return label, _text(content, name) if name else "", *encoded
    raise UsageError(f"{where}: `image/class/label` must be a whole number. Received: another kind of value")


def _first(found: dict[str, tuple[int, int]], names: Sequence[str]) -> tuple[int, int] | None:
    return next((found[name] for name in names if name in found), None)


def _bytes(content: memoryview, feature: tuple[int, int]) -> tuple[int, int] | None:
    """Returns where the first value of a list of bytes begins and ends."""
    for values in _messages(content, *feature, 1):
        return next(_messages(content, *values, 1), None)
    return None


def _text(content: memoryview, feature: tuple[int, int]) -> str:
    """Returns the first value of a list of bytes or of whole numbers, as text."""
    text = _bytes(content, feature)
    if text:
        return str(content[text[0] : text[1]], "utf-8")
    for values in _messages(content, *feature, 3):
        for number, first, last in _fields(content, *values):
            value = first if last < 0 else _varint(content, first)[0]
            return str(value) if number == 1 and value < 2**63 else ""  # above are the negative ones
    return ""


def _messages(content: memoryview, begin: int, end: int, wanted: int) -> Iterator[tuple[int, int]]:
    """Yields where the fields of one number begin and end, of those that have a length."""
    return ((first, last) for number, first, last in _fields(content, begin, end) if number == wanted and last >= 0)


def _fields(content: memoryview, begin: int, end: int) -> Iterator[Field]:
    """Yields a message's fields; of one that is a number itself the number, and -1 for its end."""
    offset = begin
    while offset < end:
        key, offset = _varint(content, offset)
        kind = key & 7
        if kind == 2:
            length, offset = _varint(content, offset)
            if offset + length > end:
                raise IndexError
            yield key >> 3, offset, offset + length
            offset += length
        elif kind == 0:
            value, offset = _varint(content, offset)
            yield key >> 3, value, -1
        elif kind in (1, 5):
            offset += 8 if kind == 1 else 4
        else:
            raise IndexError


def _varint(content: memoryview, offset: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[offset]
        value |= (byte & 0x7F) << shift
        offset, shift = offset + 1, shift + 7
        if byte < 0x80:
            return value, offset
        if shift > 63:
            raise IndexError
