"""Images as TFRecord shards, each whole or not there."""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import tensorflow as tf

from trainer.data.entries import PARTS, Entry, class_names
from trainer.data.sources import Sources
from trainer.data.survey import Finding
from trainer.errors import UsageError

_WRITERS = 4  # reading and writing, not computing


@dataclasses.dataclass(frozen=True)
class Shard:
    """A file to be: its name, its part, and the indices of its images."""

    name: str
    part: str
    indices: Sequence[int]


def plan(entries: Sequence[Entry], findings: Sequence[Finding], kept: Sequence[int], size: int) -> list[Shard]:
    """Returns shards of about so many bytes each, in the order of the entries.

    Args:
      entries: the images, each with its part.
      findings: theirs.
      kept: the indices of those to be written.
      size: bytes.
    """
    shards = []
    for part in PARTS:
        groups: list[list[int]] = []
        room = 0
        for index in (one for one in kept if entries[one].part == part):
            if room <= 0:
                groups.append([])
                room = size
            groups[-1].append(index)
            room -= findings[index].bytes
        for number, group in enumerate(groups):
            shards.append(Shard(f"{part}-{number:05}-of-{len(groups):05}.tfrecord", part, group))
    return shards


def write(
    shards: Sequence[Shard],
    entries: Sequence[Entry],
    findings: Sequence[Finding],
    work: Path,
    told: Callable[[int], object],
) -> Iterator[tuple[Shard, Path]]:
    """Writes what is not yet written, and yields each shard with its file below `work`.

    Args:
      shards: which.
      entries: the images.
      findings: theirs; an image whose content is another by now is an error.
      work: the folder to write to.
      told: hears of so many more images.

    Raises:
      UsageError: an image has changed meanwhile.
    """

    names = class_names(entries[index] for shard in shards for index in shard.indices)
    labels = {name: label for label, name in enumerate(names)}
    sources = Sources.of(entries)

    def one(shard: Shard) -> Path:
        path = work / f"{_key(shard, entries, findings)}.tfrecord"
        if not path.exists():
            partial = path.with_suffix(".partial")
            with tf.io.TFRecordWriter(str(partial)) as writer:
                for index in shard.indices:
                    content = sources.content(index)
                    if hashlib.sha256(content).hexdigest() != findings[index].digest:
                        raise UsageError(f"{entries[index].place}: must stay as it is meanwhile. Received: a change")
                    writer.write(_example(entries[index], findings[index], labels[entries[index].label], content))
            partial.replace(path)
        told(len(shard.indices))
        return path

    with ThreadPoolExecutor(_WRITERS, thread_name_prefix="shards") as writers:
        yield from zip(shards, writers.map(one, shards), strict=True)


def _example(entry: Entry, finding: Finding, label: int, content: bytes) -> bytes:
    def text(value: bytes) -> tf.train.Feature:
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

    def number(value: int) -> tf.train.Feature:
        return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))

    features = {
        "image/class/label": number(label),
        "image/class/text": text(entry.label.encode()),
        "image/encoded": text(content),
        "image/filename": text(entry.name.encode("utf-8", "surrogateescape")),
        "image/format": text(finding.format.lower().encode()),
        "image/height": number(finding.height),
        "image/width": number(finding.width),
    }
    return bytes(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString(deterministic=True))


def _key(shard: Shard, entries: Sequence[Entry], findings: Sequence[Finding]) -> str:
    """Returns a name for a shard's content."""
    said = [(entries[index].name, entries[index].label, findings[index].digest) for index in shard.indices]
    return hashlib.sha256(json.dumps([shard.name, said]).encode()).hexdigest()[:32]
