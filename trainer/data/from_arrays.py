"""A data set of samples in memory."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer.data import moments
from trainer.data.dataset import Dataset
from trainer.data.fingerprint import Fingerprint
from trainer.data.form import Form
from trainer.data.kinds.kind import Kind
from trainer.data.kinds.options import SampleOptions
from trainer.data.lists import folds, stratified
from trainer.data.lists.dropped import Dropped, chosen, numbered
from trainer.data.lists.entries import PARTS, TEST, TRAIN, VALIDATION
from trainer.data.lists.folds import Fold
from trainer.data.lists.given import Given, Pair
from trainer.data.lists.stratified import Split
from trainer.data.lists.targets.target import array_strata
from trainer.data.stores.memory import Memory
from trainer.errors import UsageError
from trainer.hparams import CLASSES, LABELS

_TEST_SHARE = 0.1  # of the samples of a data set without a test split
_FEWEST = 6  # samples; such a share of them is one


def from_arrays(
    given: Given,
    kind: Kind[Any],
    validation_split: float,
    *,
    seed: int,
    options: SampleOptions,
    fold: Fold | None = None,
    drop: Dropped | None = None,
) -> Dataset:
    """Returns a data set; missing splits are taken from the training samples.

    Args:
      given: samples, as `Kind.fit` accepts them, and their class numbers.
      kind: the kind of the samples.
      validation_split: the share of the training samples that becomes the validation split.
      seed: the seed of this choice, which takes a share of each class.
      options: the wanted form of the samples.
      fold: of a cross-validation; None if the given parts are already those of a fold.
      drop: the samples to leave out; the others are in the same parts as without it.

    Raises:
      UsageError: a split has no sample.
    """
    parts, splits, held_out = dict(given.parts), list[Split](), given.test_names
    names = {part: given.names.get(part) or numbered(part, len(pair[1])) for part, pair in parts.items()}
    whole = [name for part in parts for name in names[part]] if drop else ()
    if fold and fold.number:
        parts[TEST], parts[TRAIN], split = _hold_out(parts[TRAIN], fold)
        splits.append(split)
        names[TEST], names[TRAIN] = _divided(names[TRAIN], split)
    elif fold:
        parts.setdefault(TEST, (parts[TRAIN][0][:0], parts[TRAIN][1][:0]))
        names.setdefault(TEST, ())
    if TEST not in parts:  # the same samples for every seed
        if round(len(parts[TRAIN][1]) * _TEST_SHARE) < 1:
            raise UsageError(
                f"`--data` must have at least {_FEWEST} {kind.name}s to split off a tenth as "
                f"its test part. Received: {len(parts[TRAIN][1])}"
            )
        parts[TEST], parts[TRAIN], split = _split_off(parts[TRAIN], _TEST_SHARE, 0, kind)
        splits.append(split)
        names[TEST], names[TRAIN] = _divided(names[TRAIN], split)
    if VALIDATION not in parts:
        parts[VALIDATION], parts[TRAIN], split = _split_off(parts[TRAIN], validation_split, seed, kind)
        splits.append(split)
        names[VALIDATION], names[TRAIN] = _divided(names[TRAIN], split)
    if fold and fold.number:
        held_out = [*names[TEST]]
    counted = sum(len(pair[1]) for pair in parts.values())
    if drop:
        _leave_out(drop, parts, names, whole, kind, target=given.target)
        held_out = [*names[TEST]] if held_out else ()
    samples = {part: kind.fit(array, options) for part, (array, _) in parts.items() if len(array)}
    samples.setdefault(TEST, samples[TRAIN][:0])
    form = _form(given, samples[TRAIN])
    train, validation, test = (Memory(samples[part], _targets(parts[part][1]), form) for part in PARTS)
    classes = len(given.class_names) or 1 + int(max(labels.max(initial=0) for _, labels in given.parts.values()))
    class_names = given.class_names or [*map(str, range(classes))]
    arrays = [array for part in (TRAIN, VALIDATION, TEST) if part in given.parts for array in given.parts[part]]
    counts = {part: len(parts[part][1]) for part in PARTS}
    indices = [split.held_out for split in splits if not split.is_by_chance]
    dropped = given.dropped + counted - sum(counts.values())
    if drop:
        indices.append(drop.among(whole))
    fingerprint = dataclasses.replace(Fingerprint.of_arrays(arrays, class_names, counts, indices), dropped=dropped)
    return Dataset(
        train,
        validation,
        test,
        classes,
        given.class_names,
        fingerprint,
        held_out,
        target=given.target,
        given_names=names,
    )


def _hold_out(pair: Pair, fold: Fold) -> tuple[Pair, Pair, Split]:
    """Returns the samples of a fold, the others, and both as a split; the same samples for every seed."""
    samples, labels = pair
    order = np.random.default_rng(0).permutation(len(labels))
    is_held_out = folds.assign(array_strata(_plain(labels)), order, fold.count) == fold.number
    held_out, kept = np.flatnonzero(is_held_out), np.flatnonzero(~is_held_out)
    return (samples[held_out], labels[held_out]), (samples[kept], labels[kept]), Split(held_out, kept, False)


def _split_off(pair: Pair, share: float, seed: int, kind: Kind[Any]) -> tuple[Pair, Pair, Split]:
    """Returns a share of some samples, the others, and how they were chosen; see `stratified.split`."""
    samples, labels = pair
    found = stratified.split(array_strata(_plain(labels)), share, seed)
    held_out, kept = found.held_out, found.kept
    if not len(held_out):
        raise UsageError(
            f"`--data` must have two {kind.name}s of a class to split one off. "
            f"Received: {len(labels):,} {kind.name}s, each the only one of its class"
        )
    return (samples[held_out], labels[held_out]), (samples[kept], labels[kept]), found


def _divided(names: Sequence[str], split: Split) -> tuple[Sequence[str], Sequence[str]]:
    """Returns the names of the samples of a part that is split off, and of the others."""
    return chosen(names, split.held_out), chosen(names, split.kept)


def _leave_out(
    drop: Dropped,
    parts: dict[str, Pair],
    names: dict[str, Sequence[str]],
    whole: Sequence[str],
    kind: Kind[Any],
    *,
    target: str,
) -> None:
    """Takes the listed samples out of the parts and their names."""
    out = {whole[index] for index in drop.among(whole)}
    for part, (samples, labels) in parts.items():
        kept = np.flatnonzero([name not in out for name in names[part]])
        if len(kept) < len(labels):
            parts[part], names[part] = (samples[kept], labels[kept]), chosen(names[part], kept)
            before, after = (_taught(some, target) for some in (labels, labels[kept]))
            if part == TRAIN:
                drop.check_training(before, after, kind.one, target)
            else:
                drop.check_other(part, len(kept), kind.one)


def _taught(labels: npt.NDArray[Any], target: str) -> int:
    """Returns the number of classes or labels with a sample, or of numbers with two values."""
    if target == CLASSES:
        return len(np.unique(labels))
    if not len(labels):
        return 0
    return int(np.sum(labels.max(0) > (0 if target == LABELS else labels.min(0))))


def _form(given: Given, training: npt.NDArray[Any]) -> Form:
    _, *sizes, channels = training.shape
    form = Form(tuple(sizes), channels)
    if training.dtype == np.uint8:
        return form
    scaled = moments.scaled(form, training)
    same = given.spacing if len(given.spacing) == given.rank else ()
    return dataclasses.replace(scaled, spacing=same, unit=given.unit if same else "")


def _plain(labels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Returns class numbers as `(count,)`, and other targets as they are, `(count, outputs)`."""
    return labels if labels.dtype.kind == "f" else labels.reshape(-1)


def _targets(labels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return _plain(labels).astype(np.float32 if labels.dtype.kind == "f" else np.int32)
