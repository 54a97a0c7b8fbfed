"""Writes samples as TFRecord shards, each completely or not at all."""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import tensorflow as tf

from trainer.data.lists.entries import PARTS, Entry
from trainer.errors import UsageError

_WRITERS = 4  # reading and writing, not computing


@dataclasses.dataclass(frozen=True)
class Record:
    """A sample that is to be written.

    Attributes:
      entry: where it is, with its part.
      bytes: the content's length.
      digest: the content's checksum; a content with another one is an error.
      features: its kind's own fields of a `tf.train.Example`.
    """

    entry: Entry
    bytes: int
    digest: str
    features: Mapping[str, int | str]


@dataclasses.dataclass(frozen=True)
class Shard:
    """A file that is to be written.

    Attributes:
      name: of the file.
      part: train, validation or test.
      records: its samples.
    """

    name: str
    part: str
    records: Sequence[Record]


def plan(records: Sequence[Record], size: int) -> list[Shard]:
    """Returns shards of about so many bytes each, in the order of the records."""
    shards = []
    for part in PARTS:
        groups: list[list[Record]] = []
        room = 0
        for record in (one for one in records if one.entry.part == part):
            if room <= 0:
                groups.append([])
                room = size
            groups[-1].append(record)
            room -= record.bytes
        for number, group in enumerate(groups):
            shards.append(Shard(f"{part}-{number:05}-of-{len(groups):05}.tfrecord", part, group))
    return shards


def write(
    shards: Sequence[Shard],
    class_names: Sequence[str],
    work: Path,
    on_progress: Callable[[int], object],
) -> Iterator[tuple[Shard, Path]]:
    """Writes what is not yet written, and yields each shard with its file below `work`.

    Args:
      shards: which.
      class_names: in the order of the labels.
      work: the folder to write to.
      on_progress: receives how many more samples are done.

    Raises:
      UsageError: a sample has changed since its checksum was taken.
    """
    labels = {name: label for label, name in enumerate(class_names)}

    def one(shard: Shard) -> Path:
        path = work / f"{_key(shard)}.tfrecord"
        if not path.exists():
            partial = path.with_suffix(".partial")
            with tf.io.TFRecordWriter(str(partial)) as writer:
                for record in shard.records:
                    writer.write(_example(record, labels[record.entry.label]))
            partial.replace(path)
        on_progress(len(shard.records))
        return path

    with ThreadPoolExecutor(_WRITERS, thread_name_prefix="shards") as writers:
        yield from zip(shards, writers.map(one, shards), strict=True)


def _example(record: Record, label: int) -> bytes:
    """Returns a sample as a `tf.train.Example`.

    Raises:
      UsageError: the content is not what the checksum was taken of.
    """
    entry, content = record.entry, record.entry.read()
    if hashlib.sha256(content).hexdigest() != record.digest:
        raise UsageError(f"{entry.location}: must not change while it is read. Received: a change")
    fields: dict[str, int | str | bytes] = {
        "image/class/label": label,
        "image/class/text": entry.label,
        "image/encoded": content,
        "image/filename": entry.name.encode("utf-8", "surrogateescape"),
        **record.features,
    }
    features = tf.train.Features(feature={name: _feature(value) for name, value in fields.items()})
    return bytes(tf.train.Example(features=features).SerializeToString(deterministic=True))


def _feature(value: int | str | bytes) -> tf.train.Feature:
    if isinstance(value, int):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
    encoded = value.encode() if isinstance(value, str) else value
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[encoded]))


def _key(shard: Shard) -> str:
    """Returns a name for a shard's content."""
    rows = [(record.entry.name, record.entry.label, record.digest) for record in shard.records]
    return hashlib.sha256(json.dumps([shard.name, rows]).encode()).hexdigest()[:32]
