"""A survey of every sample of a data set; its results are saved, so that an interrupted survey resumes."""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from trainer import files
from trainer.data.kinds.kind import Kind
from trainer.data.kinds.reason import reason_of
from trainer.data.lists import frames
from trainer.data.lists.entries import FRAMES, Entry
from trainer.data.stores.broken import each
from trainer.data.stores.locations import Locations

_CHUNK = 1000  # samples whose results are one file; a few seconds' work
_FORMAT = 4  # of these files


@dataclasses.dataclass(frozen=True)
class Finding:
    """The result for one sample.

    Attributes:
      reason: why it cannot be read; empty if it can.
      digest: the content's checksum.
      bytes: the content's length.
      description: see `Kind.describe`.
    """

    reason: str = ""
    digest: str = ""
    bytes: int = 0
    description: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def survey(
    entries: Sequence[Entry], kind: Kind[Any], work: Path, on_progress: Callable[[int], object]
) -> list[Finding]:
    """Returns the result for each sample; results of an earlier survey in the folder are reused.

    Args:
      entries: the samples.
      kind: of the samples.
      work: a folder that exists.
      on_progress: receives how many more samples are done.
    """
    findings: list[Finding] = []
    stamps: dict[str, tuple[int, int]] = {}
    for first in range(0, len(entries), _CHUNK):
        some = entries[first : first + _CHUNK]
        path = work / f"survey-{_key(some, stamps)}.json"
        if path.exists():
            findings += [Finding(**one) for one in json.loads(path.read_text())]
            on_progress(len(some))
        else:
            found = _look(some, kind, on_progress)
            files.replace(path, json.dumps([dataclasses.asdict(one) for one in found]))
            findings += found
    return findings


def _look(entries: Sequence[Entry], kind: Kind[Any], on_progress: Callable[[int], object]) -> list[Finding]:
    locations = Locations.of(entries)
    return list(each(lambda index: _find(locations, kind, index), len(entries), on_progress))


def _find(locations: Locations, kind: Kind[Any], index: int) -> Finding:
    try:
        content = locations.content(index)
        description = kind.describe(content)
    except (OSError, ValueError, tf.errors.OpError) as error:
        return Finding(reason_of(error))
    return Finding("", hashlib.sha256(content).hexdigest(), len(content), description)


def _key(entries: Sequence[Entry], stamps: dict[str, tuple[int, int]]) -> str:
    """Returns a name that changes if one of these samples does."""
    rows: list[Any] = [_FORMAT]
    for entry in entries:
        if entry.file not in stamps:
            try:
                stamps[entry.file] = frames.stamp(entry.file) if entry.length == FRAMES else _stamp(entry.file)
            except (OSError, ValueError):  # no file can have such a name
                stamps[entry.file] = 0, 0
        rows.append((entry.file, entry.offset, entry.length, *stamps[entry.file]))
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:32]


def _stamp(file: str) -> tuple[int, int]:
    status = Path(file).stat()
    return status.st_size, status.st_mtime_ns


def statistics(findings: Sequence[Finding], kind: Kind[Any]) -> dict[str, Any]:
    """Returns statistics of the samples: number, size, and the summary of their kind."""
    return {
        "images": len(findings),
        "bytes": sum(one.bytes for one in findings),
        **kind.summarize([one.description for one in findings]),
    }
