"""A data set of samples on disk: its classes, splits and form, which are decided before training."""

import contextlib
import dataclasses
import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import google_crc32c
import numpy as np
import tensorflow as tf

from trainer.data import moments
from trainer.data.dataset import Dataset
from trainer.data.fingerprint import Fingerprint, Mark
from trainer.data.form import Form
from trainer.data.kinds import archive
from trainer.data.kinds.kind import Kind
from trainer.data.kinds.options import SampleOptions
from trainer.data.lists import copies, frames
from trainer.data.lists.dropped import Dropped
from trainer.data.lists.entries import FRAMES, PARTS, TEST, TRAIN, WHOLE, Entry
from trainer.data.lists.folds import Fold
from trainer.data.lists.split import split
from trainer.data.lists.targets import BY_DEFAULT, Target
from trainer.data.stores.broken import Broken, each, find_broken
from trainer.data.stores.files import Files
from trainer.data.stores.locations import Locations
from trainer.errors import UsageError

_TRAIN = PARTS.index(TRAIN)
_FIRST = 1 << 16  # bytes; only a preview or a profile makes a header longer

H = TypeVar("H")


def from_files(
    entries: Sequence[Entry],
    kind: Kind[Any],
    validation_split: float,
    options: SampleOptions,
    log: Callable[[str], object],
    *,
    fold: Fold | None = None,
    target: Target = BY_DEFAULT,
    drop: Dropped | None = None,
) -> Dataset:
    """Returns a data set of the listed samples.

    Args:
      entries: the samples.
      kind: the kind of the samples.
      validation_split: the share of the training samples that becomes the validation split if there is none.
      options: the wanted form of the samples, and whether broken ones are skipped.
      log: receives a line about each skipped sample.
      fold: of a cross-validation.
      target: what is learned of each sample.
      drop: the samples to leave out; the others are in the same parts as without it.

    Raises:
      UsageError: a sample is broken or has two classes, a class has no training sample, or a split has no sample.
    """
    if fold:  # before a fold leaves the given test part out
        target.check(entries, target.names(entries), kind.one, ("", TRAIN))
    parted = split(entries, validation_split, fold, target.strata)
    counted = len(parted)
    if drop:
        parted = drop.left(parted, entries, kind.one, target)
    names = target.names(parted)
    given, trained = {entry.part for entry in parted}, {TRAIN, TEST} if fold and fold.number else {TRAIN}
    target.check(parted, names, kind.one, trained)
    locations = Locations.of(parted)
    headers, marks, broken = _read_headers(parted, locations, kind)
    fingerprint = Fingerprint.of_files(parted, marks, names)  # with broken samples: a resumed run may skip them
    fingerprint = dataclasses.replace(fingerprint, dropped=counted - len(parted))
    broken = _placed(broken, parted)
    contradictory = [] if broken and not options.skip_broken else _find_contradictory(parted, marks, kind, target)
    wrong = [str(one) for one in broken] or [
        f"{one.location}: {kind.one} must be of one class. Received: one {one.reason}" for one in contradictory
    ]
    if wrong and not options.skip_broken:
        also = f" (and {len(wrong) - 1:,} more)" if len(wrong) > 1 else ""
        raise UsageError(f"{wrong[0]}{also}; `--skip_broken=yes` skips such {kind.name}s")
    left_out: list[str] = []
    if options.skip_broken:
        found = [*contradictory, *broken, *_placed(find_broken(locations, kind), parted)]
        kept = _find_sound(locations, found, kind, log)
        left_out = sorted({one.index: f"{one.location}: {one.reason}" for one in found}.values())
        parted, headers = [parted[index] for index in kept], [headers[index] for index in kept]
        locations = locations.chosen(kept)
        if {entry.part for entry in parted} != given:
            raise UsageError(
                f"`--data` must have {kind.one} that can be read for each of {', '.join(PARTS)}. "
                f"Received: {len(kept):,} such {kind.name}s of {len(entries):,}"
            )
        target.check(parted, names, kind.one, trained)
    targets = target.encoded(parted, names)
    form = kind.choose_form(headers, options)
    for note in kind.notes(headers, form):
        log(note)
    files = Files(locations, targets, form, kind, kind.make_decoder(headers, form))
    which = np.array([PARTS.index(entry.part) for entry in parted])
    if not form.is_bounded:
        files = dataclasses.replace(files, form=_with_moments(files, files.chosen(np.flatnonzero(which == _TRAIN))))
    train, validation, test = (files.chosen(np.flatnonzero(which == part)) for part in range(len(PARTS)))
    held_out = [entry.location for entry in parted if entry.part == TEST] if fold and fold.number else ()
    return Dataset(train, validation, test, len(names), names, fingerprint, held_out, tuple(left_out), target.name)


def _with_moments(files: Files, training: Files) -> Form:
    """Returns the form with the mean and the spread of the training samples.

    Raises:
      UsageError: a sample cannot be decoded.
    """
    try:
        return moments.of_store(files.form, training)
    except tf.errors.OpError:
        for broken in files.find_broken():
            raise UsageError(f"{broken}; `--skip_broken=yes` skips such {files.kind.name}s") from None
        raise


def _read_headers(
    entries: Sequence[Entry], locations: Locations, kind: Kind[H]
) -> tuple[list[H | None], dict[int, Mark], list[Broken]]:
    """Returns the headers of all samples, the marks of the readable ones, and the broken ones."""

    def look(index: int) -> tuple[H | None, Mark, Broken | None]:
        try:
            content = locations.content(index, _FIRST)
            if archive.is_one(content):  # the first bytes of each frame, in a folder and in a shard alike
                is_folder = entries[index].length == FRAMES
                content = archive.starts(content if is_folder else locations.content(index), _FIRST)
            length = _length(entries[index], content)
            mark = google_crc32c.value(content), length
            try:
                return kind.read_header(content, length), mark, None
            except ValueError as error:
                if len(content) < _FIRST or isinstance(error, UsageError):
                    raise
                return kind.read_header(locations.content(index), length), mark, None
        except UsageError:  # the machine lacks a library; the file is intact
            raise
        except (OSError, ValueError) as error:
            return None, (0, 0), Broken.of(locations, index, kind, error)

    found = list(each(look, len(locations)))
    marks = {index: mark for index, (_, mark, broken) in enumerate(found) if not broken}
    return [header for header, *_ in found], marks, [broken for *_, broken in found if broken]


def _length(entry: Entry, first: bytes) -> int:
    if entry.length == FRAMES:
        return frames.length(entry.file)
    if len(first) < _FIRST:
        return len(first)
    return Path(entry.file).stat().st_size if entry.length == WHOLE else entry.length


def _find_contradictory(
    entries: Sequence[Entry], marks: Mapping[int, Mark], kind: Kind[Any], target: Target
) -> list[Broken]:
    """Returns the samples with copies in another class, or with other labels; see `copies.of_others`.

    Only samples with equal marks and several classes are read completely.
    """
    if not target.contradicts:
        return []
    groups: dict[Mark, list[int]] = defaultdict(list)
    for index, mark in marks.items():
        groups[mark].append(index)
    some = [
        index
        for group in groups.values()
        if len(group) > 1 and len({entries[index].label for index in group}) > 1
        for index in group
    ]

    def digest(position: int) -> str:
        with contextlib.suppress(OSError):  # reported as broken during training
            return hashlib.sha256(entries[some[position]].read()).hexdigest()
        return ""

    contents = {index: found for index, found in zip(some, each(digest, len(some)), strict=True) if found}
    pairs = ((entries[index], entries[original], index) for index, original in copies.of_others(entries, contents))
    return [
        Broken(index, own.place, kind.files, copies.contradiction(own, other))
        for own, other, index in pairs
        if own.label != other.label
    ]


def _placed(broken: Iterable[Broken], entries: Sequence[Entry]) -> list[Broken]:
    """Returns broken samples, each with its line in the list."""
    return [dataclasses.replace(one, location=entries[one.index].place) for one in broken]


def _find_sound(locations: Locations, broken: Iterable[Broken], kind: Kind[Any], log: Callable[[str], object]) -> Any:
    """Returns the indices of the samples that are not broken, and logs the broken ones."""
    by_index = {one.index: one for one in broken}
    for one in sorted(by_index.values(), key=lambda found: found.location):
        log(f"skipped: {one.location}: {one.reason}")
    if by_index:
        log(f"{len(by_index):,} of {len(locations):,} {kind.name}s are broken and skipped")
    return np.setdiff1d(np.arange(len(locations)), [*by_index])
