"""What a person should know of a data set before trusting an accuracy on it, in one line each."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer import interval
from trainer.data import likeness
from trainer.data.dataset import Dataset
from trainer.data.kinds import coarse
from trainer.data.kinds.kind import Kind
from trainer.data.kinds.known import kind_of
from trainer.data.lists import entries as listed
from trainer.data.lists.entries import PARTS, TRAIN, VALIDATION, Entry
from trainer.data.lists.targets.target import array_strata
from trainer.data.stores.files import Files
from trainer.data.survey import Finding
from trainer.errors import one_line

Numbers = npt.NDArray[np.int64]

_FEW = 100  # samples of the validation part
_SHOWN = 3  # classes in a line
_MOST_FILES, _MOST_VALUES = 1000, 60_000_000  # that are decoded before the training, in under a second
_MOST_QUICK, _MOST_PAIRS = 10**8, 4 * 10**9  # pairs that are compared in half a second, and in a minute


def caveats_of(dataset: Dataset) -> list[str]:
    """Returns the caveats of a data set that is about to be trained on.

    Near-duplicates are looked for where that takes under a second: among samples in memory, and few files.
    """
    stores = [getattr(dataset, part) for part in PARTS]
    parts = np.repeat(np.arange(len(PARTS)), [len(store) for store in stores])
    targets = np.concatenate([store.targets for store in stores])
    classes, name = array_strata(targets), kind_of(dataset.form).name
    names = [one_line(one) for one in dataset.class_names] if targets.ndim == 1 else []
    lines = _of_counts(parts, classes, names, name) if names else []
    are_files = isinstance(dataset.train, Files)
    if are_files and (len(parts) > _MOST_FILES or len(parts) * math.prod(dataset.form.shape) > _MOST_VALUES):
        return lines
    if likeness.count_pairs(parts) > _MOST_QUICK:
        return lines
    try:
        vectors = np.concatenate([coarse.coarse(store.preview()[0]) for store in stores if len(store)])
    except tf.errors.OpError:  # a broken file, which the training names
        return lines
    found = likeness.pairs(vectors, parts, classes) if len(vectors) == len(parts) else []
    names = [store.locations.name(index) for store in stores for index in range(len(store))] if are_files else []
    return lines + _of_pairs(found, parts, names, name)


def of_entries(entries: Sequence[Entry], findings: Sequence[Finding], kind: Kind[object]) -> list[str]:
    """Returns the caveats of samples in files that were surveyed.

    Args:
      entries: each with its part.
      findings: of each, without a reason.
      kind: of the samples.
    """
    names = listed.class_names(entries)
    numbers = {label: number for number, label in enumerate(names)}
    parts = np.array([PARTS.index(entry.part) for entry in entries], np.int64)
    classes = np.array([numbers[entry.label] for entry in entries], np.int64)
    lines = _of_counts(parts, classes, [one_line(one) for one in names], kind.name)
    if likeness.count_pairs(parts) > _MOST_PAIRS:
        return [*lines, f"near-duplicates across parts: not looked for among {len(entries):,} {kind.name}s"]
    vectors = coarse.unpacked([finding.description[coarse.COARSE] for finding in findings])
    longest = max(map(len, vectors), default=0)
    found: list[tuple[int, int]] = []
    for length in range(longest + 1):  # of samples that are smaller than the coarse form, each size by itself
        some = np.array([index for index, vector in enumerate(vectors) if len(vector) == length], np.int64)
        if len(some):
            near = likeness.pairs(np.stack([vectors[index] for index in some]), parts[some], classes[some])
            found += [(int(some[one]), int(some[other])) for one, other in near]
    return lines + _of_pairs(found, parts, [entry.place for entry in entries], kind.name)


def _of_counts(parts: Numbers, classes: Numbers, names: Sequence[str], kind: str) -> list[str]:
    """Returns lines about classes that are not in every part, and a small validation part."""
    counts = np.zeros((len(PARTS), len(names)), np.int64)
    np.add.at(counts, (parts, classes), 1)
    filled = [bool(of.any()) for of in counts]  # the final run of a cross-validation may have no test part
    lacking = {
        name: [part for part, count, has in zip(PARTS, counts[:, number], filled, strict=True) if has and not count]
        for number, name in enumerate(names)
    }
    missing = [f"{name} (no {' or '.join(some)} {kind})" for name, some in lacking.items() if some]
    more = f" and {len(missing) - _SHOWN:,} more" if len(missing) > _SHOWN else ""
    verb = "class is" if len(missing) == 1 else "classes are"
    lines = [f"{len(missing):,} {verb} not in every part: {', '.join(missing[:_SHOWN])}{more}"] if missing else []
    validated = int(counts[PARTS.index(VALIDATION)].sum())
    if 0 < validated < _FEW:
        low, high = interval.wilson(0.5, validated)
        noun = kind if validated == 1 else f"{kind}s"
        lines.append(
            f"validation part of {validated} {noun}, fewer than {_FEW}: its accuracy is uncertain by up to "
            f"{50 * (high - low):.0f} percentage points"
        )
    return lines


def _of_pairs(pairs: Sequence[tuple[int, int]], parts: Numbers, names: Sequence[str], kind: str) -> list[str]:
    """Returns a line about near-duplicates, with the first pair by its names; nothing where there are none."""
    if not pairs:
        return []
    counts = [(part, sum(PARTS[parts[one]] == part for one, _ in pairs)) for part in PARTS if part != TRAIN]
    which = " and ".join(f"{count:,} {part} {kind if count == 1 else f'{kind}s'}" for part, count in counts if count)
    verb = "is" if len(pairs) == 1 else "are"
    first = f", as {names[pairs[0][0]]} and {names[pairs[0][1]]}" if names else ""
    return [f"near-duplicates across parts: {which} {verb} almost the same as {kind}s of an earlier part{first}"]
