"""Shards of `tf.train.Example`: the offset of each image in them, found without decoding images."""

import dataclasses
import functools
import json
import re
import shlex
import struct
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, NamedTuple

import google_crc32c
import tensorflow as tf
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from trainer.data.lists import labels, parts
from trainer.data.lists.columns import PassedOver
from trainer.data.lists.entries import Entry
from trainer.data.lists.fields import may_be_label
from trainer.data.lists.pointers import POINTER
from trainer.data.lists.targets import BY_DEFAULT, Target
from trainer.data.lists.targets.classes import hint
from trainer.data.lists.text import normal
from trainer.errors import UsageError, one_line

_SHARD = re.compile(
    r"(.*\.tfrec(ord)?s?(\.(train|training|val|valid|validation|dev|test|testing))?([-.]\d+-of-\d+)?|.*-\d{5}-of-\d{5})"
    r"(\.(gz|gzip|zlib|z|zz))?",
    re.IGNORECASE,
)
_OF = re.compile(r"(.*?)(\d+)-of-(\d+)(.*)")
_HEADER, _FOOTER = 12, 4  # bytes: a length and its checksum; the content's checksum
_GZIP = b"\x1f\x8b"
_ENCODED = ("image/encoded", "image", "image_raw", "encoded")
_LABEL = ("image/class/label", "label", "class", "labels", "category")
_TEXT = ("image/class/text", "class/text", "class_name")
_NAME = ("image/filename", "filename")
_PART = ("split", "part", "set", "subset", "ml_use", "usage", "phase")  # features that give parts, in any letter case
_FIELDS = (*_ENCODED, *_LABEL, *_TEXT, *_NAME)
_DESCRIPTION = "dataset.json"  # next to shards that `python -m trainer.data` has written
_READERS = 4  # threads; they only read and compute checksums in parallel
_BUFFER = 1 << 20  # bytes
_MOST, _LONGEST = 100, 100  # values, and characters of each, of a feature that is compared with the label
_PREFIX = 64  # bytes of an image that are searched for in its record: longer needles take longer to prepare


class _Label(NamedTuple):
    """The class of an example: a name, a number, or both; empty where absent. Or its target, where it is no class."""

    text: str
    number: str
    target: str = ""


class _Read(NamedTuple):
    """The content of an example: its image, its class, and other features that may give the part or a second label."""

    entry: Entry
    label: _Label
    others: Mapping[str, str]


def shards(folder: Path) -> list[Path]:
    """Returns the shards in a folder and in its folders that are named after parts, without hidden files."""
    below = [one for one in sorted(folder.iterdir()) if one.is_dir()]
    above = [folder, *(one for one in below if parts.of_folder(one.name) or parts.is_unclear(one.name))]
    return [
        file
        for one in above
        for file in sorted(one.iterdir())
        if _SHARD.fullmatch(file.name) and not file.name.startswith(".") and file.is_file()
    ]


def read(folder: Path, log: Callable[[str], object] = lambda line: None, target: Target = BY_DEFAULT) -> list[Entry]:
    """Returns the images of a folder's shards, after verifying every checksum.

    A shard's part is in its name, as in `train-00000-of-00010` or `photos_test.tfrecord`, or in its folder's name; if
    no name has one, in each example's feature `split`; if that is missing too, all images are still to be split. An
    example has its image in `image/encoded` and its class in `image/class/text`, or, as a number, in
    `image/class/label`; `image` and `label` are accepted too.

    Args:
      folder: the shards'.
      log: receives a line if shards have several names without a part.
      target: how the class is read, which can be several labels or numbers, in the same features.

    Raises:
      UsageError: a shard is missing or broken, an example lacks a field or does not have one class; the message names
        the shard and the example.
    """
    files = shards(folder)
    _check_sets(files)
    of_files = parts.of_files(files, folder)
    with ThreadPoolExecutor(_READERS, thread_name_prefix="shards") as readers:
        read = list(readers.map(lambda file, part: _read(file, folder, part, target), files, of_files))
    _check_counts(folder, {str(file.relative_to(folder)): len(found) for file, found in zip(files, read, strict=True)})
    listed = [one for found in read for one in found]
    if not listed:
        raise UsageError(f"{one_line(str(folder))}: must have an example in a shard. Received: none")
    if listed[0].label.target:
        target.settled([one.entry for one in listed])
    else:
        _check_labels([(one.entry, one.label) for one in listed])
    others = PassedOver(one_line(str(folder)), "feature")
    said = _parts_said(listed)
    several = sorted({_OF.sub(r"\1\4", file.name) for file in files})
    if not any(of_files) and not any(said) and len(several) > 1:
        names = f"{', '.join(several[:3])}{' …' if len(several) > 3 else ''}"
        log(f"{one_line(f'{folder}: no part in the names {names}')}: the hash of each sample's name decides its part")
    for entry, label, values in listed:
        for name, value in values.items():
            others.add(name, value, label.target or label.text or label.number, entry.listed)
    others.check(has_parts=any(of_files) or any(said), log=log)
    return [
        dataclasses.replace(one.entry, part=part) if part else one.entry for one, part in zip(listed, said, strict=True)
    ]


def _parts_said(listed: Sequence[_Read]) -> list[str]:
    """Returns the part that each example's own feature gives; empty if no feature gives one.

    Raises:
      UsageError: an example has no part while others do, or another part than its shard's name.
    """
    found = [""] * len(listed)
    for name in sorted({name for one in listed for name in one.others if name.lower() in _PART}):
        values = [one.others.get(name, "") for one in listed]
        if not any(parts.part_of(value) for value in {*values}):
            continue  # something else
        for index, (one, value) in enumerate(zip(listed, values, strict=True)):
            part, before = parts.part_of(value), found[index] or one.entry.part
            if not part:
                raise UsageError(
                    f"{one.entry.listed}: `{one_line(name)}` must be one of train, validation, test, as in the others. "
                    f"Received: {one_line(value[:60]) or 'nothing'}"
                )
            if before not in ("", part):
                by = "another feature" if found[index] else "the name of its file"
                raise UsageError(
                    f"{one.entry.listed}: `{one_line(name)}` must be {before}, as {by} says. "
                    f"Received: {one_line(value)}"
                )
            found[index] = part
    return found


def _check_sets(files: Sequence[Path]) -> None:
    """Checks that each set of shards, as in `train-00000-of-00010`, is complete."""
    found: dict[tuple[Path, str, str], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for file in files:
        if said := _OF.fullmatch(file.name):
            found[file.parent, said[1], said[4]][said[3]].append(int(said[2]))
    for (above, before, after), sets in found.items():
        if len(sets) > 1:
            one, two = sorted(sets)[:2]
            raise UsageError(
                f"{one_line(str(above))}: shards of one name must be of one set. "
                f"Received: {one_line(before)}…-of-{one}{after} and …-of-{two}{after}"
            )
        ((total, numbers),) = sets.items()
        first = 1 if 0 not in numbers and int(total) in numbers else 0
        missing = next((number for number in range(first, first + int(total)) if number not in {*numbers}), None)
        if missing is not None:
            name = f"{before}{missing:0{len(total)}}-of-{total}{after}"
            raise UsageError(
                f"{one_line(str(above))}: must contain {one_line(name)}, for each of {int(total):,} shards. "
                f"Received: {len({*numbers}):,} of them"
            )


def _check_counts(folder: Path, counts: dict[str, int]) -> None:
    """Checks that all shards written by `python -m trainer.data` exist, with the recorded number of samples."""
    try:
        said = json.loads((folder / _DESCRIPTION).read_bytes())
        expected = [(part["shards"], part["images"]) for part in said["parts"].values()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return  # none, or another program's
    for names, samples in expected:
        missing = next((name for name in names if name not in counts), None)
        if missing:
            raise UsageError(f"{one_line(str(folder))}: must contain {missing}, as {_DESCRIPTION} says. Received: none")
        held = sum(counts[name] for name in names)
        if held != samples:
            raise UsageError(
                f"{one_line(str(folder))}: {names[0]} and what belongs to it must contain {samples:,} samples, "
                f"as {_DESCRIPTION} says. Received: {held:,}"
            )


def _check_labels(listed: Sequence[tuple[Entry, _Label]]) -> None:
    """Checks that all examples give their class in one way, and that names and numbers correspond one to one.

    Otherwise, two classes would become one, or one class two.
    """
    alone = {said.text: entry.listed for entry, said in reversed(listed) if said.text and not said.number.isdecimal()}
    for text, where in reversed(alone.items()):  # with a number, a text belongs to one class
        if fault := labels.fault(text):
            raise UsageError(f"{where}: `label` must be one class. Received: {one_line(text)}, {fault}")
    labels.reject_several(alone, alone.__getitem__)
    first, label = listed[0]
    texts: dict[str, tuple[str, Entry]] = {}
    numbers: dict[str, tuple[str, Entry]] = {}
    for entry, said in listed:
        if bool(said.text) != bool(label.text):
            kinds = ("a number", "a name") if label.text else ("a name", "a number")
            raise UsageError(
                f"{entry.listed}: must have its class as {kinds[1]}, as {first.listed} has. Received: only {kinds[0]}"
            )
        if said.text and said.number:
            number, other = texts.setdefault(said.text, (said.number, entry))
            text, another = numbers.setdefault(said.number, (said.text, entry))
            if number != said.number:
                raise UsageError(
                    f"{entry.listed}: a class must have one number. Received: {one_line(said.text)} with "
                    f"{said.number}, and with {number} in {other.listed}"
                )
            if text != said.text:
                raise UsageError(
                    f"{entry.listed}: a class's number must have one name. Received: {said.number} with "
                    f"{one_line(said.text)}, and with {one_line(text)} in {another.listed}"
                )


def _read(shard: Path, folder: Path, part: str, target: Target) -> list[_Read]:
    found, shown = [], one_line(str(shard))
    with shard.open("rb", buffering=_BUFFER) as file:
        for number, (offset, content) in enumerate(_records(file, shard.stat().st_size, shown)):
            where = f"{shown}, example {number}"
            try:
                said, others, name, first, last = _example(content, where, target)
            except DecodeError:
                raise UsageError(f"{where}: must be a tf.train.Example. Received: something else") from None
            name = name or f"{shard.relative_to(folder)}:{number}"
            label = said.target or said.text or said.number
            entry = Entry(str(shard), label, name, part, offset + first, last - first, listed=where)
            found.append(_Read(entry, said, others))
    return found


def _records(file: IO[bytes], size: int, shown: str) -> Iterator[tuple[int, bytes]]:
    """Yields each record's offset and content.

    Source: TensorFlow's `core/lib/io/record_writer.h`.
    """
    offset = 0
    while offset < size:
        header = file.read(_HEADER)
        if offset == 0:
            _reject_compressed(header, shown)
            if POINTER.encode().startswith(header) and size >= len(header) == _HEADER:
                raise UsageError(
                    f"{shown}: must be a TFRecord file. Received: a Git LFS pointer; `git lfs pull` fetches the file"
                )
        if len(header) < _HEADER:
            raise UsageError(f"{shown}: must end with a complete record. Received: one truncated at byte {offset:,}")
        length, checksum = struct.unpack("<QI", header)
        if checksum != _masked(header[:8]):
            what = "must be a TFRecord file" if offset == 0 else "must contain intact records"
            raise UsageError(f"{shown}: {what}. Received: a wrong checksum of the length at byte {offset:,}")
        if offset + _HEADER + length + _FOOTER > size:
            raise UsageError(
                f"{shown}: must end with a complete record. "
                f"Received: one of {length:,} bytes, truncated at byte {offset:,}"
            )
        content, footer = file.read(length), file.read(_FOOTER)
        if footer != struct.pack("<I", _masked(content)):
            raise UsageError(f"{shown}: must contain intact records. Received: a wrong checksum at byte {offset:,}")
        yield offset + _HEADER, content
        offset += _HEADER + length + _FOOTER


def _reject_compressed(header: bytes, shown: str) -> None:
    is_zlib = header[:1] == b"\x78" and int.from_bytes(header[:2], "big") % 31 == 0  # RFC 1950
    is_record = len(header) == _HEADER and header[8:] == struct.pack("<I", _masked(header[:8]))
    if (header[:2] == _GZIP or is_zlib) and not is_record:
        file, form = shlex.quote(shown), "zlib" if is_zlib else "gzip"
        unpack = (  # 47: whichever of both it is
            '`python -c "import sys, zlib; unpack = zlib.decompressobj(47).decompress; '
            'sys.stdout.buffer.write(unpack(sys.stdin.buffer.read()))" '
            f"< {file} > {file}.plain && mv {file}.plain {file}`"
        )
        raise UsageError(
            f"{shown}: must be a TFRecord file that is not compressed. Received: {form}; {unpack} unpacks it"
        )


def _masked(content: bytes) -> int:
    checksum: int = google_crc32c.value(content)
    return ((checksum >> 15 | checksum << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _example(content: bytes, where: str, target: Target) -> tuple[_Label, Mapping[str, str], str, int, int]:
    """Returns the class, other features, the image's name, which may be empty, and where the image begins and ends."""
    features = tf.train.Example.FromString(content).features.feature
    fields = {name: values for name in _FIELDS if name in features and (values := _values(features[name]))}
    image = _only(fields, _ENCODED, "image", where)
    text, number = _only(fields, _TEXT, "class", where), _only(fields, _LABEL, "class", where)
    if image and target.allows_none and not (text or number):
        read = target.of_value([], "label", where)
        return _Label("", "", read or ""), {}, _called(fields), *_image(content, fields[image], image, where)
    if not (image and (text or number)):
        names = ", ".join(sorted(map(one_line, features)))
        raise UsageError(f"{where}: must have image/encoded and image/class/label. Received: {names}")
    said = [_class(fields[name], name, where, target) for name in (text, number) if name]
    texts = [one.text for one in said if one.text]
    if said[0].target:
        return said[0], {}, _called(fields), *_image(content, fields[image], image, where)
    label = _Label(*(next((one[index] for one in said if one[index]), "") for index in range(2)))
    if len(texts) > 1:  # the name, and another or a number as text, which must be the same for each example of it
        label = _Label(*texts)
    if not (label.text or label.number):
        raise UsageError(f"{where}: `{number or text}` must name a class. Received: nothing")
    others = {name: _text(features[name]) for name in filter(_is_noted, features)}
    return label, others, _called(fields), *_image(content, fields[image], image, where)


def _called(fields: Mapping[str, Sequence[Any]]) -> str:
    """Returns the image's name, which may be empty."""
    called = next((fields[name][0] for name in _NAME if name in fields), b"")
    return called.decode("utf-8", "surrogateescape") if isinstance(called, bytes) else ""


@functools.lru_cache(1024)  # the same in every example
def _is_noted(name: str) -> bool:
    """Returns whether a feature that is neither image nor class may say a part or be another label."""
    return name not in _FIELDS and (name.lower() in _PART or may_be_label(name) or bool(parts.words_of(name)))


def _text(feature: tf.train.Feature) -> str:
    """Returns what a feature says, which may be several values."""
    values = (
        one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one) for one in _values(feature)[:_MOST]
    )
    return ", ".join(one[:_LONGEST] for one in values)


def _values(feature: tf.train.Feature) -> Sequence[Any]:
    kind = feature.WhichOneof("kind")
    return getattr(feature, kind).value if kind else ()


def _only(fields: Collection[str], names: Sequence[str], what: str, where: str) -> str:
    """Returns which of some names a field has; empty where none has."""
    there = [name for name in names if name in fields]
    if len(there) > 1:
        raise UsageError(f"{where}: must have one field for the {what}. Received: {', '.join(there)}")
    return there[0] if there else ""


def _image(content: bytes, values: Sequence[Any], name: str, where: str) -> tuple[int, int]:
    """Returns where in a record the only value of a list of bytes begins and ends."""
    if len(values) != 1 or not isinstance(values[0], bytes):
        what = "another kind of value" if len(values) == 1 else f"{len(values):,} values"
        raise UsageError(f"{where}: `{name}` must contain one sample as bytes. Received: {what}")
    image = values[0]
    first = content.find(image[:_PREFIX])
    while not content.startswith(image, first):  # it is there, and nearly always the first that begins so
        first = content.find(image[:_PREFIX], first + 1)
    return first, first + len(image)


def _class(values: Sequence[Any], name: str, where: str, target: Target) -> _Label:
    """Returns the class that a field says; empty where its text is."""
    plain = [one.decode("utf-8", "replace") if isinstance(one, bytes) else one for one in values]
    if (read := target.of_value(plain, name, where)) is not None:
        return _Label("", "", read)
    value = values[0]
    received = ""
    if len(values) != 1:
        received = f"{len(values):,} values: {', '.join(map(str, values[:5]))}{hint('several values')}"
    elif isinstance(value, float):
        received = f"the fraction {value:g}{hint('a fraction')}"
    elif isinstance(value, int) and value < 0:
        received = str(value)
    if received:
        raise UsageError(f"{where}: `{name}` must be one whole number from 0, or one name. Received: {received}")
    if isinstance(value, int):
        return _Label("", str(value))
    try:
        return _Label(normal(value.decode()), "")
    except UnicodeDecodeError:
        raise UsageError(f"{where}: `{name}` must be UTF-8. Received: {value[:60]!r}") from None
