"""A data set of samples that stay on the disk: its classes, parts and form, decided before training."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import numpy as np

from trainer.data.dataset import Dataset
from trainer.data.fingerprint import Fingerprint
from trainer.data.kinds.kind import Kind
from trainer.data.kinds.options import SampleOptions
from trainer.data.lists import entries as listed
from trainer.data.lists.entries import PARTS, TRAIN, Entry
from trainer.data.lists.split import split
from trainer.data.stores.broken import Broken, each, find_broken
from trainer.data.stores.files import Files
from trainer.data.stores.locations import Locations
from trainer.errors import UsageError

_FIRST = 1 << 16  # bytes; only a preview or a profile makes a header longer

H = TypeVar("H")


def from_files(
    entries: Sequence[Entry],
    kind: Kind[Any],
    validation_split: float,
    options: SampleOptions,
    log: Callable[[str], object],
) -> Dataset:
    """Returns a data set of what entries list.

    Args:
      entries: the samples.
      kind: what they are.
      validation_split: the share of the training samples that becomes the validation part, where there is none.
      options: what the samples are brought to, and whether broken ones are left out.
      log: receives a line about each sample that is left out.

    Raises:
      UsageError: a sample is broken, a class has no training sample, or a part has no sample.
    """
    parted = split(entries, validation_split)
    names = listed.class_names(parted)
    _check_classes(parted, names)
    locations = Locations.of(parted)
    headers, broken = _read_headers(locations, kind)
    if broken and not options.skip_broken:
        also = f" (and {len(broken) - 1:,} more)" if len(broken) > 1 else ""
        raise UsageError(f"{broken[0]}{also}; `--skip_broken=yes` leaves such images out")
    if options.skip_broken:
        kept = _find_sound(locations, [*broken, *find_broken(locations, kind)], log)
        parted, headers = [parted[index] for index in kept], [headers[index] for index in kept]
        locations = locations.chosen(kept)
        _check_classes(parted, names)
    labels = {name: label for label, name in enumerate(names)}
    targets = np.array([labels[entry.label] for entry in parted], np.int32)
    form = kind.choose_form(headers, options)
    files = Files(locations, targets, form, kind, kind.make_decoder(headers, form))
    which = np.array([PARTS.index(entry.part) for entry in parted])
    train, validation, test = (files.chosen(np.flatnonzero(which == part)) for part in range(len(PARTS)))
    return Dataset(train, validation, test, len(names), names, Fingerprint.of_files(parted, names))


def _read_headers(locations: Locations, kind: Kind[H]) -> tuple[list[H | None], list[Broken]]:
    """Returns what the headers of all samples say, and which samples have none that can be read."""

    def look(index: int) -> tuple[H | None, Broken | None]:
        try:
            content = locations.content(index, _FIRST)
            try:
                return kind.read_header(content), None
            except ValueError:
                if len(content) < _FIRST:
                    raise
                return kind.read_header(locations.content(index)), None
        except (OSError, ValueError) as error:
            return None, Broken.of(locations, index, kind, error)

    found = list(each(look, len(locations)))
    return [header for header, _ in found], [broken for _, broken in found if broken]


def _find_sound(locations: Locations, broken: Iterable[Broken], log: Callable[[str], object]) -> Any:
    """Returns the indices of the samples that are not broken, and logs those that are."""
    by_index = {one.index: one for one in broken}
    for one in sorted(by_index.values(), key=lambda found: found.location):
        log(f"left out: {one.location}: {one.reason}")
    if by_index:
        log(f"{len(by_index):,} of {len(locations):,} images are broken and left out")
    return np.setdiff1d(np.arange(len(locations)), [*by_index])


def _check_classes(parted: Sequence[Entry], names: Sequence[str]) -> None:
    trained = {entry.label for entry in parted if entry.part == TRAIN}
    for entry in parted:
        if entry.label not in trained:
            raise UsageError(
                f"{entry.location}: a class must have an image among those to train on. "
                f"Received: {entry.label}, which has {'none' if trained else 'none, as no class has'}"
            )
    if len(names) < 2:
        raise UsageError(f"`--data` must hold at least two classes. Received: {', '.join(names)}")
