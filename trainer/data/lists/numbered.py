"""Classes as arrays of numbers or of text."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer.data.lists import labels as texts
from trainer.data.lists.entries import Entry, class_names
from trainer.data.lists.text import normal
from trainer.errors import UsageError, one_line

Array = npt.NDArray[Any]
Numbers = npt.NDArray[np.int64]

_SHOWN = 5  # class names


def numbered(
    labels: Mapping[str, Array], train: str, names: Sequence[str], location: str, fewest: int = 2
) -> tuple[dict[str, Numbers], tuple[str, ...], list[str]]:
    """Returns class numbers from 0 without gaps, the classes' names, and the given names that no training sample has.

    The names are those that are given, else the numbers or texts of the labels, in natural order; none where the labels
    are the class numbers already.

    Args:
      labels: by the name of the array, `(count,)` or `(count, 1)`.
      train: the name of the training part's.
      names: of the numbers from 0, or of the texts in their order; empty where there are none.
      location: of their file, for messages.
      fewest: the number of classes that the training part must have, 1 or 2.

    Raises:
      UsageError: they are no classes, or the training part lacks one of them.
    """
    flat = {name: _flat(array, name, location) for name, array in labels.items()}
    if any(array.dtype.kind == "U" for array in flat.values()):
        flat = {name: array.astype(np.str_) for name, array in flat.items()}
        keys, positions = _by_text(flat, train, names, location)
    else:
        keys, positions = _by_number(flat, train, names, location)
    if len(keys) < fewest:
        raise UsageError(
            f"{location}: `{train}` must have at least two classes. Received: only {one_line(str(keys[0]))}"
        )
    found = {}
    for name, array in flat.items():
        unknown = np.setdiff1d(array, keys)
        if len(unknown):
            called = names[int(unknown[0])] if names and unknown.dtype.kind != "U" else unknown[0]
            raise UsageError(
                f"{location}: `{name}` must have only classes of `{train}`. Received: {one_line(str(called))}"
            )
        order = np.argsort(keys)
        found[name] = order[np.searchsorted(keys, array, sorter=order)].astype(np.int64)
    if names:
        missing = [name for position, name in enumerate(names) if position not in {*positions}]
        return found, tuple(names[position] for position in positions), missing
    is_plain = keys.dtype.kind != "U" and keys[0] == 0 and len(keys) == int(keys[-1]) + 1
    return found, () if is_plain else tuple(map(str, keys)), []


def given_names(array: Array, name: str) -> tuple[str, ...]:
    """Returns the names of classes that an array holds.

    Args:
      array: text or whole numbers, `(classes,)`.
      name: of the array, for messages: its file and its own.

    Raises:
      UsageError: it holds no names, or one twice.
    """
    rule = f"{name} must be a list of text, one name for each class"
    if array.ndim != 1 or array.dtype.kind not in "USiu" or not len(array):
        raise UsageError(f"{rule}. Received: {array.dtype} of shape {array.shape}")
    names = tuple(normal(str(one)) for one in _text(array))
    if not all(names) or len({*names}) < len(names):
        twice = next((one for one in names if names.count(one) > 1), "")
        raise UsageError(f"{rule}. Received: {f'{one_line(twice)} twice' if twice else 'an empty name'}")
    return names


def _by_text(flat: Mapping[str, Array], train: str, names: Sequence[str], location: str) -> tuple[Array, list[int]]:
    """Returns the texts of the training part in the order of their classes, and which of the names they are."""
    for name, array in flat.items():
        for text in np.unique(array).tolist():
            fault = texts.fault(text) if text else "an empty text"
            if fault:
                raise UsageError(f"{location}: `{name}` must contain classes. Received: {one_line(text)}, {fault}")
            if names and text not in names:
                raise UsageError(
                    f"{location}: `{name}` must contain class names that the file lists: {_some(names)}. "
                    f"Received: {one_line(text)}"
                )
    present = {*np.unique(flat[train]).tolist()}
    ordered = [name for name in names if name in present] or class_names(Entry("", one, "") for one in present)
    return np.array(ordered), [names.index(one) for one in ordered] if names else []


def _by_number(flat: Mapping[str, Array], train: str, names: Sequence[str], location: str) -> tuple[Array, list[int]]:
    """Returns the numbers of the training part, and which of the names they are."""
    for name, array in flat.items():
        if array.min() < 0:
            raise UsageError(f"{location}: `{name}` must contain class numbers from 0. Received: {array.min()}")
        if names and array.max() >= len(names):
            raise UsageError(
                f"{location}: `{name}` must contain class numbers from 0 to {len(names) - 1}, as the file names "
                f"{len(names)} classes. Received: {array.max()}"
            )
    keys = np.unique(flat[train])
    return keys, [*map(int, keys)] if names else []


def _flat(array: Array, of: str, location: str) -> Array:
    """Returns labels as `(count,)`, of int64 or text."""
    name = f"{location}: `{of}`"
    if array.ndim == 2 and array.shape[1] > 1:
        is_one_hot = array.dtype.kind in "biuf" and bool(np.isin(array, (0, 1)).all() and (array.sum(1) == 1).all())
        kind = (
            f"one-hot vectors; their class numbers are {of}.argmax(1), and `--target=labels` reads them as labels"
            if is_one_hot
            else "several labels each; `--target=numbers` reads them as numbers"
        )
        raise UsageError(f"{name} must be one class for each sample. Received: {_times(array)}, {kind}")
    if array.ndim not in (1, 2) or array.shape[1:] not in ((), (1,)):
        raise UsageError(f"{name} must be one class for each sample. Received: an array of shape {array.shape}")
    flat = array.reshape(-1)
    if array.dtype.kind in "US":
        return _text(flat)
    if array.dtype.kind not in "biuf":
        raise UsageError(f"{name} must be class numbers or text. Received: {array.dtype}")
    if array.dtype.kind == "f":
        wrong = np.flatnonzero(~(np.isfinite(flat) & (flat == np.trunc(flat))))
        if len(wrong):
            raise UsageError(
                f"{name} must be whole numbers. Received: {flat[wrong[0]]:g}, of sample {wrong[0]}"
                "; `--target=numbers` trains on real numbers"
            )
    return flat.astype(np.int64)


def _times(array: Array) -> str:
    """Returns an array's shape for a person."""
    return "x".join(f"{size:,}" for size in array.shape)


def _text(array: Array) -> Array:
    """Returns an array of text, or of bytes or numbers as text, as unicode in its normal form."""
    values, inverse = np.unique(array, return_inverse=True)
    plain = [one.decode("utf-8", "surrogateescape") if isinstance(one, bytes) else str(one) for one in values.tolist()]
    return np.array([normal(one) for one in plain])[inverse.reshape(-1)]


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return one_line(", ".join(names[:_SHOWN]) + more)
