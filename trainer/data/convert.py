"""A data set is checked and becomes TFRecord shards with its class names and statistics: all of it, or nothing."""

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from trainer import files
from trainer.data import entries as listed
from trainer.data import problems as found
from trainer.data import survey
from trainer.data.entries import PARTS, Entry
from trainer.data.lists import shards
from trainer.data.lists.shards import Shard
from trainer.data.problems import Problem
from trainer.data.survey import Finding
from trainer.errors import UsageError

RECORD = "dataset.json"

_WORK = ".partial"

Told = Callable[[str, int, int], object]  # what is done, how many more of it, of how many


def convert(
    entries: Sequence[Entry],
    to: Path,
    validation_split: float,
    *,
    shard_bytes: int,
    skip_broken: bool,
    others: Sequence[Problem] = (),
    told: Told = lambda what, more, total: None,
) -> list[Problem]:
    """Writes shards and, last, `dataset.json`, and returns what is wrong; where something is, only if that is skipped.

        <to>/train-00000-of-00003.tfrecord …
        <to>/dataset.json    classes, counts, statistics, what was left out

    What is done is kept in `<to>/.partial` until all is, so that the same call goes on after it was stopped.

    Args:
      entries: the images.
      to: a folder that is new, empty, or this call's own.
      validation_split: the share that becomes the validation part, where there is none.
      shard_bytes: in a shard, more or less.
      skip_broken: whether to write without the images that something is wrong with.
      others: what is wrong beside the images, such as classes without one.
      told: hears how far it is.

    Raises:
      UsageError: the folder holds something else, another process writes there, or a part stays without an image.
    """
    parted = listed.split(entries, validation_split)
    with _claimed(to) as work:
        findings = survey.survey(parted, work, lambda more: told("checked", more, len(parted)))
        problems = [*others, *found.find(parted, findings)]
        if problems and not skip_broken:
            return problems
        out = {problem.index for problem in problems}
        kept = [index for index in range(len(parted)) if index not in out]
        names = listed.class_names(parted[index] for index in kept)
        if {parted[index].part for index in kept} != {*PARTS} or len(names) < 2:
            raise UsageError(
                f"`--data` must have sound images of two classes, and for each of {', '.join(PARTS)}. "
                f"Received: {len(kept):,} sound images of {len(parted):,}"
            )
        planned = shards.plan(parted, findings, kept, shard_bytes)
        record = _describe(parted, findings, planned, names, problems)
        written = shards.write(planned, parted, findings, work, lambda more: told("written", more, len(kept)))
        _land(list(written), record, to)
    return problems


@contextlib.contextmanager
def _claimed(to: Path) -> Iterator[Path]:
    """Yields the folder for what is not finished, which no other process has meanwhile."""
    work = to / _WORK
    try:
        strange = [path.name for path in to.iterdir()] if to.exists() else []
        if strange and not work.is_dir():
            raise UsageError(f"`--to` must be a new or an empty folder. Received: {to}, which holds {min(strange)}")
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


def _land(written: Sequence[tuple[Shard, Path]], record: dict[str, Any], to: Path) -> None:
    """Moves the shards to their place, then writes the record, then removes what is left."""
    for stale in {*to.glob("*.tfrecord")} - {to / shard.name for shard, _ in written}:
        stale.unlink()  # of an earlier call that was stopped just here, before the images were changed
    for shard, path in written:
        path.replace(to / shard.name)
    files.replace(to / RECORD, json.dumps(record, indent=2, ensure_ascii=False), "\n")
    shutil.rmtree(to / _WORK)


def _describe(
    entries: Sequence[Entry],
    findings: Sequence[Finding],
    planned: Sequence[Shard],
    names: Sequence[str],
    problems: Sequence[Problem],
) -> dict[str, Any]:
    parts = {}
    for part in PARTS:
        indices = [index for shard in planned if shard.part == part for index in shard.indices]
        own = [entries[index].label for index in indices]
        parts[part] = {
            "shards": [shard.name for shard in planned if shard.part == part],
            "images_of_class": {name: own.count(name) for name in names},
            **survey.statistics([findings[index] for index in indices]),
        }
    left_out = [{"place": problem.place, "problem": problem.text} for problem in problems]
    return {"classes": list(names), "parts": parts, "left_out": left_out}
