"""Checks a data set and writes it as TFRecord shards with class names and statistics, completely or not at all.

<to>/train-00000-of-00003.tfrecord …
<to>/dataset.json    classes, counts, statistics, skipped samples; written last
<to>/.partial        finished work until all is done, so that an interrupted command can resume
"""

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from trainer import files
from trainer.data import caveats, survey
from trainer.data import problems as found
from trainer.data.kinds.kind import Kind
from trainer.data.lists import entries as listed
from trainer.data.lists import shards
from trainer.data.lists.entries import PARTS, Entry
from trainer.data.lists.shards import Record, Shard
from trainer.data.lists.split import split
from trainer.data.problems import Problem
from trainer.data.survey import Finding
from trainer.errors import UsageError, one_line

RECORD = "dataset.json"

_WORK = ".partial"

OnProgress = Callable[[str, int, int], object]  # the task, the number of further items done, the total
Kept = Sequence[tuple[Entry, Finding]]


def convert(
    entries: Sequence[Entry],
    kind: Kind[Any],
    to: Path,
    validation_split: float,
    *,
    shard_bytes: int,
    skip_broken: bool,
    others: Sequence[Problem] = (),
    on_progress: OnProgress = lambda what, more, total: None,
    log: Callable[[str], object] = lambda line: None,
) -> list[Problem]:
    """Writes shards and, last, `dataset.json`; returns the problems. With problems it writes only if it skips them.

    Args:
      entries: the samples.
      kind: the kind of the samples.
      to: a folder that is new, empty, or this call's own.
      validation_split: the share of the validation split if the data set has none.
      shard_bytes: the approximate size of a shard.
      skip_broken: whether to write without the samples that have a problem.
      others: problems that belong to no sample, such as classes without samples.
      on_progress: receives the progress of the call.
      log: receives a line about each thing that makes an accuracy on the data uncertain.

    Raises:
      UsageError: the folder contains other files, another process writes to it, or a split has no sample.
    """
    parted = split(entries, validation_split)
    with _claimed(to) as work:
        findings = survey.survey(parted, kind, work, lambda more: on_progress("checked", more, len(parted)))
        problems = [*others, *found.find(parted, findings)]
        out = {problem.index for problem in problems}
        kept = [pair for index, pair in enumerate(zip(parted, findings, strict=True)) if index not in out]
        notes = caveats.of_entries([entry for entry, _ in kept], [finding for _, finding in kept], kind)
        for line in notes:
            log(line)
        if problems and not skip_broken:
            return problems
        names = _check_classes(kept, len(parted), kind)
        planned = shards.plan([_record(entry, finding, kind) for entry, finding in kept], shard_bytes)
        written = shards.write(planned, names, work, lambda more: on_progress("written", more, len(kept)))
        _land(list(written), _describe(kept, kind, planned, names, problems) | {"notes": notes}, to)
    return problems


def _record(entry: Entry, finding: Finding, kind: Kind[Any]) -> Record:
    return Record(entry, finding.bytes, finding.digest, kind.features(finding.description))


def _check_classes(kept: Kept, count: int, kind: Kind[Any]) -> tuple[str, ...]:
    """Returns the names of the remaining classes, of `count` samples."""
    names = listed.class_names(entry for entry, _ in kept)
    if {entry.part for entry, _ in kept} != {*PARTS} or len(names) < 2:
        raise UsageError(
            f"`--data` must have {kind.name}s without a problem in two classes, and in each of {', '.join(PARTS)}. "
            f"Received: {len(kept):,} such {kind.name}s of {count:,}"
        )
    return names


@contextlib.contextmanager
def _claimed(to: Path) -> Iterator[Path]:
    """Yields the folder for unfinished work, locked against other processes."""
    work = to / _WORK
    try:
        strange = [path.name for path in to.iterdir()] if to.exists() else []
        if strange and not work.is_dir():
            raise UsageError(f"`--to` must be a new or an empty folder. Received: {to}, which contains {min(strange)}")
        work.mkdir(parents=True, exist_ok=True)
        lock = os.open(work, os.O_RDONLY)
    except OSError as error:
        raise UsageError(f"`--to` must be a folder that can be written. Received: {to} ({error.strerror})") from None
    try:
        with contextlib.suppress(OSError):  # a file system without locks
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UsageError(f"`--to` must be a folder that no other process writes to. Received: {to}") from None
        yield work
    finally:
        os.close(lock)


def _land(written: Sequence[tuple[Shard, Path]], content: dict[str, Any], to: Path) -> None:
    """Renames the shards, then writes the record, then removes the unfinished work."""
    for stale in {*to.glob("*.tfrecord")} - {to / shard.name for shard, _ in written}:
        stale.unlink()  # from an earlier call that was interrupted here, before the samples changed
    for shard, path in written:
        path.replace(to / shard.name)
    files.replace(to / RECORD, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    shutil.rmtree(to / _WORK)


def _describe(
    kept: Kept, kind: Kind[Any], planned: Sequence[Shard], names: Sequence[str], problems: Sequence[Problem]
) -> dict[str, Any]:
    """Returns the content of `dataset.json`."""
    parts = {}
    for part in PARTS:
        labels = [entry.label for entry, _ in kept if entry.part == part]
        parts[part] = {
            "shards": [shard.name for shard in planned if shard.part == part],
            "images_of_class": {name: labels.count(name) for name in names},
            **survey.statistics([finding for entry, finding in kept if entry.part == part], kind),
        }
    left_out = [{"place": one_line(problem.location), "problem": one_line(problem.text)} for problem in problems]
    return {"classes": list(names), "parts": parts, "left_out": left_out}
