"""Which samples of a data set are evaluated: those that the model was not trained on."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer.data.fingerprint import Fingerprint
from trainer.data.lists import folds, stratified
from trainer.data.lists.entries import PARTS, TEST, TRAIN, VALIDATION, Entry
from trainer.data.lists.folds import Fold
from trainer.data.lists.given import Given
from trainer.data.lists.split import split
from trainer.data.lists.targets import BY_DEFAULT, Target
from trainer.data.lists.targets.target import array_strata
from trainer.errors import UsageError
from trainer.evaluate.samples import Arrays, Encoded, Samples
from trainer.files import expanded
from trainer.hparams import HParams

ALL, AUTO = "all", "auto"
_TEST_SHARE = 0.1  # of the samples of a data set without a test part, as in training


@dataclasses.dataclass(frozen=True)
class Training:
    """The data that a model was trained on, from its card.

    Attributes:
      data: its location.
      validation_split: the share of the training samples that became the validation part.
      seed: of this choice, for samples in memory.
      fold: of a cross-validation; None without one.
      checksums: of the data set's fingerprint; empty if the card has none.
    """

    data: str
    validation_split: float
    seed: int
    fold: Fold | None
    checksums: Mapping[str, str]

    @classmethod
    def of(cls, card: Mapping[str, Any]) -> "Training":
        """Returns what a `model.json` says."""
        used = card.get("configuration", {})
        return cls(
            str(used.get("data", "")),
            float(used.get("validation_split", HParams.validation_split)),
            int(used.get("seed", HParams.seed)),
            Fold.read(str(used.get("folds", "0"))),
            Fingerprint.read(card.get("data", {})).checksums,
        )

    def is_at(self, data: str) -> bool:
        """Returns whether a location is that of the training data."""
        return bool(self.data) and _normal(data) == _normal(self.data)

    def keeps(self, given: Collection[str]) -> bool:
        """Returns whether nothing was split off from the training part of a data set with some given parts."""
        return {*given} == {*PARTS} and not (self.fold and self.fold.number)


@dataclasses.dataclass(frozen=True)
class Chosen:
    """Some samples of a data set.

    Attributes:
      samples: these.
      part: train, validation, test or all.
      reason: why, for a person; empty if the part was asked for and the data set names it.
    """

    samples: Samples
    part: str
    reason: str


def of_files(entries: Sequence[Entry], part: str, training: Training, data: str, target: Target = BY_DEFAULT) -> Chosen:
    """Returns the entries of a part, in an order that depends on their names alone.

    Args:
      entries: the samples.
      part: train, validation, test, all or auto.
      training: of the model.
      data: where the samples are.
      target: how labels are read.

    Raises:
      UsageError: there are no such samples.
    """
    given = {entry.part for entry in entries}
    if part == ALL or (part == AUTO and TEST not in given and not _is_trained_on(entries, training, data)):
        return Chosen(Encoded(_ordered(entries)), ALL, _reason_for_all(part))
    wanted = TEST if part == AUTO else part
    if wanted in given and (wanted != TRAIN or training.keeps(given)):
        found = [entry for entry in entries if entry.part == wanted]
        return Chosen(Encoded(_ordered(found)), wanted, "named by the data")
    parted = split(entries, training.validation_split, training.fold, target.strata)
    if part == AUTO and not any(entry.part == TEST for entry in parted):
        wanted = VALIDATION
    found = [entry for entry in parted if entry.part == wanted]
    _check_any(len(found), wanted)
    return Chosen(Encoded(_ordered(found)), wanted, _split_as_trained(part, wanted))


def of_arrays(given: Given, part: str, training: Training, data: str, target: Target = BY_DEFAULT) -> Chosen:
    """Returns the samples of a part of a data set in memory; see `of_files`."""
    wanted = TEST if part == AUTO else part
    every = {own: np.arange(len(labels)) for own, (_, labels) in given.parts.items()}
    if part == ALL or (part == AUTO and TEST not in given.parts and not _is_trained_on_arrays(given, training, data)):
        return Chosen(_arrays(given, every, data, target), ALL, _reason_for_all(part))
    if wanted in every and (wanted != TRAIN or training.keeps({*every})):
        return Chosen(_arrays(given, {wanted: every[wanted]}, data, target), wanted, "named by the data")
    if TRAIN not in every:
        raise UsageError(f"`--part` must be {', '.join(every)} or all, as the data have. Received: {part}")
    parts = _split(given, training)
    if part == AUTO and not len(parts[TEST]):
        wanted = VALIDATION
    _check_any(len(parts[wanted]), wanted)
    return Chosen(
        _arrays(given, {TRAIN: np.sort(parts[wanted])}, data, target), wanted, _split_as_trained(part, wanted)
    )


def _split(given: Given, training: Training) -> dict[str, npt.NDArray[np.int64]]:
    """Returns the numbers in the given training part of each part that is split off, as `from_arrays` does it."""
    targets = given.parts[TRAIN][1]
    labels = array_strata(targets if targets.dtype.kind == "f" else targets.reshape(-1))
    kept, parts, fold = np.arange(len(labels)), dict[str, npt.NDArray[np.int64]](), training.fold
    if fold and fold.number:
        order = np.random.default_rng(0).permutation(len(labels))
        is_held_out = folds.assign(labels, order, fold.count) == fold.number
        parts[TEST], kept = np.flatnonzero(is_held_out), np.flatnonzero(~is_held_out)
    elif TEST not in given.parts and not fold:
        found = stratified.split(labels, _TEST_SHARE, 0)
        parts[TEST], kept = found.held_out, found.kept
    if VALIDATION not in given.parts:
        found = stratified.split(labels[kept], training.validation_split, training.seed)
        parts[VALIDATION], kept = kept[found.held_out], kept[found.kept]
    none = kept[:0]
    return {TEST: none, VALIDATION: none, **parts, TRAIN: kept}


def _arrays(given: Given, chosen: Mapping[str, npt.NDArray[np.int64]], data: str, target: Target) -> Arrays:
    values = {part: given.parts[part][0] for part in chosen}
    targets = np.concatenate([given.parts[part][1][rows] for part, rows in chosen.items()])
    rows = [np.stack([np.full(len(own), index), own], 1) for index, own in enumerate(chosen.values())]
    labels = target.texts(targets, given.class_names)
    return Arrays(values, np.concatenate(rows), labels, data)


def _is_trained_on(entries: Sequence[Entry], training: Training, data: str) -> bool:
    """Returns whether entries are the training data: at its location, or of the same names and labels elsewhere."""
    if training.is_at(data):
        return True
    marked = [dataclasses.replace(entry, part="") for entry in entries]
    own = Fingerprint.of_files(marked, {}, ()).checksums
    return bool(training.checksums) and training.checksums.get("names") == own["names"]


def _is_trained_on_arrays(given: Given, training: Training, data: str) -> bool:
    arrays = [array for part in (TRAIN, VALIDATION, TEST) if part in given.parts for array in given.parts[part]]
    wanted = training.checksums.get("samples")
    return training.is_at(data) or (
        wanted is not None and Fingerprint.of_arrays(arrays, (), {}).checksums["samples"] == wanted
    )


def _ordered(entries: Sequence[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda entry: (entry.name, entry.label))


def _check_any(count: int, part: str) -> None:
    if not count:
        raise UsageError(
            f"`--part` must be a part with samples; the data were split for training, and none are left for it. "
            f"Received: {part}"
        )


def _reason_for_all(part: str) -> str:
    return "" if part == ALL else "the model was not trained on these data"


def _split_as_trained(part: str, wanted: str) -> str:
    if part == AUTO and wanted == VALIDATION:
        return "no samples were held out for testing; these chose the best epoch"
    return "split off as in training"


def _normal(data: str) -> str:
    return data.rstrip("/") if data.startswith("gs://") else str(Path(expanded(data)).absolute().resolve())
