"""One or more real numbers for each sample, in columns, in a list or in an array."""

import dataclasses
import json
import math
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from trainer.data.lists.entries import Entry
from trainer.data.lists.targets.target import Array, Arrays
from trainer.errors import UsageError, one_line
from trainer.hparams import NUMBERS

_BETWEEN = re.compile(r"\s*[;|]\s*|\s+")
_LARGEST = float(np.finfo(np.float32).max)
_NAME = "number"


@dataclasses.dataclass(frozen=True)
class Numbers:
    """Reads numbers; a sample's target is a JSON object of them by name."""

    name: str = NUMBERS
    contradicts: bool = False  # a measurement may be repeated
    allows_none: bool = False

    def has_columns(self) -> bool:
        return True

    def of_cell(self, text: str, where: str) -> str:
        return self._of([*filter(None, _BETWEEN.split(text.strip()))] or [""], "label", where)

    def of_value(self, value: Any, name: str, where: str) -> str | None:
        if isinstance(value, (list, float, int)) and not isinstance(value, bool):
            return self._of(value if isinstance(value, list) else [value], name, where)
        return None

    def of_columns(self, row: Mapping[str, str], names: Sequence[str], where: str) -> str:
        return json.dumps({name: _number(row.get(name, ""), name, where) for name in names}, ensure_ascii=False)

    def settled(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        names = [*json.loads(entries[0].label)] if entries else []
        for entry in entries:
            if [*json.loads(entry.label)] != names:
                raise UsageError(
                    f"{entry.place}: must have as many numbers as {entries[0].place}, {len(names)}. "
                    f"Received: {len(json.loads(entry.label))}"
                )
        return entries

    def names(self, entries: Sequence[Entry]) -> tuple[str, ...]:
        return tuple(json.loads(entries[0].label))

    def encoded(self, entries: Sequence[Entry], names: Sequence[str]) -> Array:
        return np.array([[*json.loads(entry.label).values()] for entry in entries], np.float32)

    def strata(self, entries: Sequence[Entry]) -> Sequence[str]:
        return [""] * len(entries)

    def check(self, entries: Sequence[Entry], names: Sequence[str], one: str, parts: Collection[str]) -> None:
        trained = [entry for entry in entries if entry.part in parts]
        _check_spread(self.encoded(trained, names), names, "`--data`")

    def arrays(
        self, labels: Mapping[str, Array], train: str, names: Sequence[str], location: str, *, for_training: bool = True
    ) -> Arrays:
        found = {}
        for name, array in labels.items():
            table = array.reshape(len(array), -1)
            if (
                array.dtype.kind not in "biuf"
                or array.ndim > 2
                or table.shape[1] != labels[train].size // len(labels[train])
            ):
                raise UsageError(
                    f"{location}: `{name}` must contain numbers, as (samples,) or (samples, numbers). "
                    f"Received: {array.dtype} of shape {array.shape}"
                )
            wrong = np.argwhere(~(np.abs(table) <= _LARGEST))
            if len(wrong):
                raise UsageError(
                    f"{location}: `{name}` must contain finite numbers of at most 3e38. "
                    f"Received: {table[tuple(wrong[0])]:g}, of sample {wrong[0][0]:,}, counted from 0"
                )
            found[name] = table.astype(np.float32)
        outputs = found[train].shape[1]
        if names and len(names) != outputs:
            raise UsageError(f"{location}: must name each of its {outputs} numbers. Received: {len(names)} names")
        called = tuple(names) or _names(_NAME, outputs)
        if for_training:
            _check_spread(found[train], called, f"{location}: `{train}`")
        return Arrays(found, called, [], NUMBERS)

    def texts(self, targets: Array, names: Sequence[str]) -> list[str]:
        return [json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) for row in targets.tolist()]

    def _of(self, values: Sequence[Any], name: str, where: str) -> str:
        if not values:
            raise UsageError(f"{where}: `{one_line(name)}` must be a finite number, or several. Received: none")
        numbers = [_number(value, name, where) for value in values]
        return json.dumps(dict(zip(_names(name, len(numbers)), numbers, strict=True)), ensure_ascii=False)


def columns(rows: Sequence[Mapping[str, str]], roles: Collection[str]) -> tuple[list[str], list[str]]:
    """Returns the columns that hold numbers, by the first value of each, and the others.

    Args:
      rows: of a list.
      roles: the columns that have another meaning.
    """
    first: dict[str, str] = {}
    for row in rows:
        for name, value in row.items():
            if name not in roles and not first.get(name, "").strip():
                first[name] = value
    held = [name for name, value in first.items() if _parsed(value) is not None]
    return held, [name for name in first if name not in held]


def _names(name: str, count: int) -> tuple[str, ...]:
    return (name,) if count == 1 else tuple(f"{name}_{index}" for index in range(1, count + 1))


def _number(value: Any, name: str, where: str) -> float:
    number = _parsed(value)
    if number is None or not abs(number) <= _LARGEST:
        raise UsageError(
            f"{where}: `{one_line(name)}` must be a finite number of at most 3e38. "
            f"Received: {one_line(str(value)) or 'nothing'}"
        )
    return number


def _parsed(value: Any) -> float | None:
    """Returns a number, which may be NaN or infinite; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    text = str(value).strip().replace("\u2212", "-")
    try:
        return float(text) if "_" not in text else None
    except (ValueError, OverflowError):
        return None


def _check_spread(targets: Array, names: Sequence[str], where: str) -> None:
    for name, of in zip(names, targets.T, strict=True):
        if not len(of) or of.min() == of.max():
            received = f"{of[0]:g} for all" if len(of) and math.isfinite(of[0]) else "none"
            raise UsageError(
                f"{where} must have two different values of `{one_line(name)}` in the training part. "
                f"Received: {received}"
            )
