"""Splits a data set into parts, if its list does not give them."""

import dataclasses
import hashlib
import math
from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np

from trainer.data.lists import folds
from trainer.data.lists.entries import PARTS, TEST, TRAIN, VALIDATION, Entry
from trainer.data.lists.folds import Fold
from trainer.data.lists.natural import natural
from trainer.errors import UsageError

_TEST_SHARE = 0.1  # of the samples of a data set without a test part


@dataclasses.dataclass(slots=True)
class _Sample:
    """An entry with the two numbers, from 0 to 1, that its name decides: a low one falls to test, or to validation."""

    entry: Entry
    stratum: str
    for_test: float
    for_validation: float
    part: str

    @classmethod
    def of(cls, entry: Entry, stratum: str) -> "_Sample":
        digest = hashlib.sha256(entry.name.encode("utf-8", "surrogateescape")).digest()
        first, second = (int.from_bytes(digest[start : start + 7], "big") / 2**56 for start in (0, 8))
        return cls(entry, stratum, first, second, entry.part or TRAIN)

    def rank(self, part: str) -> tuple[float, str]:
        """Returns what samples are ordered by: the first of them fall to the part."""
        return (self.for_test if part == TEST else self.for_validation), self.entry.name


def split(
    entries: Sequence[Entry],
    validation_split: float,
    fold: Fold | None = None,
    strata: Callable[[Sequence[Entry]], Sequence[str]] | None = None,
) -> list[Entry]:
    """Returns the entries, each with its part, in a pseudorandom order that depends on their names alone.

    Where no entry names the test part, a tenth of the samples that would be trained on becomes it; where none names the
    validation part, `validation_split` of the rest. The hash of a sample's name decides. Each class gives between half
    and twice that share and keeps a sample to train on, and each part has a sample: those whose hashes are nearest to
    the limit are moved for that. So samples that are added move others in small classes only.

    No rule gives each class its share and never moves a sample: if no other sample may change a sample's part, its own
    name alone decides, and small classes are left to chance. The limits of half and twice decide between both: one
    more sample moves another in 30 % of the classes of 10 samples, 10 % of those of 30, 4 % of 50 and none of 100.

    In cross-validation no tenth is split off: the test part is the fold that is held out, without the test part that
    entries name, and in the final run it is the test part that entries name, or empty.

    Args:
      entries: the samples.
      validation_split: the share of the training samples that becomes the validation part.
      fold: of a cross-validation.
      strata: returns the stratum of each sample, which is its class by default.

    Raises:
      UsageError: there are too few samples for that.
    """
    of = strata(entries) if strata else [entry.label for entry in entries]
    samples = sorted(map(_Sample.of, entries, of), key=lambda sample: sample.rank(TEST))
    given = {entry.part for entry in entries}
    if fold:
        samples = _hold_out(samples, fold)
    elif TEST not in given:
        _split_off(samples, TEST, _TEST_SHARE)
    if VALIDATION not in given:
        _split_off(samples, VALIDATION, validation_split)
    found = {sample.part for sample in samples} | ({TEST} if fold else set())
    for missing in (part for part in PARTS if part not in found):
        raise UsageError(
            f"`--data` must have a sample of each class for train, and one for each of {VALIDATION} and {TEST}. "
            f"Received: {len(samples):,} samples, which leave none for {missing}"
        )
    return [dataclasses.replace(sample.entry, part=sample.part) for sample in samples]


def _hold_out(samples: list[_Sample], fold: Fold) -> list[_Sample]:
    """Returns the samples of one run of a cross-validation; those of the held-out fold are its test part.

    Raises:
      UsageError: there are fewer samples than folds.
    """
    if not fold.number:
        return samples
    folded = [sample for sample in samples if sample.part == TRAIN]
    numbers = {stratum: number for number, stratum in enumerate(sorted({one.stratum for one in folded}, key=natural))}
    labels = np.array([numbers[sample.stratum] for sample in folded], np.int64)
    for sample, number in zip(folded, folds.assign(labels, np.arange(len(folded)), fold.count), strict=True):
        sample.part = "" if number == fold.number else TRAIN
    kept = [sample for sample in samples if sample.part != TEST]
    for sample in kept:
        sample.part = sample.part or TEST
    return kept


def _split_off(samples: Sequence[_Sample], part: str, share: float) -> None:
    """Gives a share of the training samples of each class to a part."""
    classes = defaultdict(list)
    for sample in samples:
        if sample.part == TRAIN:
            classes[sample.stratum].append(sample)
    for own in classes.values():
        own.sort(key=lambda sample: sample.rank(part))
        below = sum(sample.rank(part)[0] < share for sample in own)
        for sample in own[: _within(below, len(own), share)]:
            sample.part = part
    if not any(sample.part == part for sample in samples):
        spare = [own for own in classes.values() if len(own) > 1]
        if spare:
            min((own[0] for own in spare), key=lambda sample: sample.rank(part)).part = part


def _within(count: int, of: int, share: float) -> int:
    """Returns a count between half and twice its share, which leaves two; of two samples and less none is taken."""
    fewest, most = math.floor(of * share / 2 + 0.75), max(1, math.floor(of * share * 2))
    return max(0, min(max(count, fewest), most, of - 2))
