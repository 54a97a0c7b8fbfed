"""Several labels for each sample, or none: `red;round` or a list in a cell, a list in JSON, 0 and 1 in an array."""

import ast
import contextlib
import dataclasses
import json
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from trainer.data.lists import labels as texts
from trainer.data.lists.entries import Entry
from trainer.data.lists.natural import natural
from trainer.data.lists.targets.target import Array, Arrays
from trainer.data.lists.text import normal
from trainer.errors import UsageError, one_line
from trainer.hparams import LABELS

_BETWEEN = re.compile(r"[;|]")
_FEWEST = 2  # labels of a data set
_RULE = "must be labels, separated by `;` or `|`"


@dataclasses.dataclass(frozen=True)
class Labels:
    """Reads labels; a sample's target is the JSON list of its labels, in their order."""

    name: str = LABELS
    contradicts: bool = True
    allows_none: bool = True

    def has_columns(self) -> bool:
        return False

    def of_cell(self, text: str, where: str) -> str:
        given = _list(text)
        if given is not None and (read := self.of_value(given, "label", where)) is not None:
            return read
        return self._joined(_BETWEEN.split(text) if text.strip() else [], "label", where)

    def of_value(self, value: Any, name: str, where: str) -> str | None:
        if not isinstance(value, list):
            return None
        if not all(isinstance(one, (str, int)) and not isinstance(one, bool) for one in value):
            raise UsageError(
                f"{where}: `{one_line(name)}` must be a list of labels: names or whole numbers. "
                f"Received: {json.dumps(value)[:100]}"
            )
        if len(value) > 1 and len({*value}) < len(value) and {*value} <= {0, 1}:
            return json.dumps([str(index) for index, one in enumerate(value) if one])  # one number for each label
        return self._joined([*map(str, value)], name, where)

    def of_columns(self, row: Mapping[str, str], names: Sequence[str], where: str) -> str:
        raise NotImplementedError("labels have one column")

    def settled(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        first: dict[str, str] = {}
        for entry in entries:
            for label in json.loads(entry.label):
                first.setdefault(label, entry.listed)
        for label, where in first.items():
            pieces = [normal(one) for one in label.split(",")]
            if len(pieces) > 1 and all(piece in first for piece in pieces):
                raise UsageError(
                    f"{where}: `label` {_RULE}. Received: {one_line(label)}; {one_line(pieces[0])} is a label too, in "
                    f"{first[pieces[0]]}"
                )
        return entries

    def names(self, entries: Sequence[Entry]) -> tuple[str, ...]:
        return tuple(sorted({label for entry in entries for label in json.loads(entry.label)}, key=natural))

    def encoded(self, entries: Sequence[Entry], names: Sequence[str]) -> Array:
        numbers = {name: number for number, name in enumerate(names)}
        targets = np.zeros((len(entries), len(names)), np.float32)
        for row, entry in enumerate(entries):
            targets[row, [numbers[label] for label in json.loads(entry.label)]] = 1
        return targets

    def strata(self, entries: Sequence[Entry]) -> Sequence[str]:
        """Returns each sample's rarest label, so that rare labels give their share; empty where it has none.

        Source: in the spirit of Sechidis et al., "On the Stratification of Multi-label Data", 2011, which begins with
        the rarest label.
        """
        own = [json.loads(entry.label) for entry in entries]
        sizes = Counter(label for some in own for label in some)
        return [min(some, key=lambda label: (sizes[label], label)) if some else "" for some in own]

    def check(self, entries: Sequence[Entry], names: Sequence[str], one: str, parts: Collection[str]) -> None:
        trained = {label for entry in entries if entry.part in parts for label in json.loads(entry.label)}
        for entry in entries:
            for label in json.loads(entry.label):
                if label not in trained:
                    raise UsageError(
                        f"{entry.place}: a label must have {one} in the training part. "
                        f"Received: {one_line(label)}, which has none"
                    )
        _check_count(names, "`--data`")

    def arrays(
        self, labels: Mapping[str, Array], train: str, names: Sequence[str], location: str, *, for_training: bool = True
    ) -> Arrays:
        outputs = labels[train].shape[1] if labels[train].ndim == 2 else 0
        for name, array in labels.items():
            if array.ndim != 2 or array.shape[1] != outputs or array.dtype.kind not in "biuf":
                raise UsageError(
                    f"{location}: `{name}` must contain 0 or 1 for each sample and label, as (samples, labels). "
                    f"Received: {array.dtype} of shape {array.shape}"
                )
            wrong = array[~np.isin(array, (0, 1))]
            if wrong.size:
                raise UsageError(f"{location}: `{name}` must contain 0 or 1. Received: {wrong[0]:g}")
        _check_names(names, outputs, location)
        found = tuple(names) or tuple(map(str, range(outputs)))
        _check_count(found, f"{location}: `{train}`")
        absent = [name for name, has in zip(found, np.any(labels[train], axis=0).tolist(), strict=True) if not has]
        if absent and for_training:
            raise UsageError(
                f"{location}: `{train}` must have a sample of each label. Received: none of {one_line(absent[0])}"
            )
        return Arrays({name: array.astype(np.float32) for name, array in labels.items()}, found, [], LABELS)

    def texts(self, targets: Array, names: Sequence[str]) -> list[str]:
        return [
            json.dumps([names[index] for index in np.flatnonzero(row).tolist()], ensure_ascii=False) for row in targets
        ]

    def _joined(self, labels: Sequence[str], name: str, where: str) -> str:
        found = []
        for label in map(normal, labels):
            fault = "an empty label" if not label else texts.fault(label)
            if fault:
                raise UsageError(
                    f"{where}: `{one_line(name)}` {_RULE}: names or whole numbers. "
                    f"Received: {one_line('; '.join(labels))}, with {fault}"
                )
            found.append(label)
        return json.dumps(sorted({*found}, key=natural), ensure_ascii=False)


def _list(text: str) -> list[Any] | None:
    """Returns the list that a text is, in JSON's form or in Python's, as pandas writes it; None if it is none."""
    if text.strip().startswith("["):
        for read in (json.loads, ast.literal_eval):
            with contextlib.suppress(ValueError, SyntaxError, RecursionError, MemoryError):
                found = read(text.strip())
                return found if isinstance(found, list) else None
    return None


def are_plain(array: Array) -> bool:
    """Returns whether an array can only be several labels: 0 and 1 for each, and not one for each sample."""
    is_table = array.ndim == 2 and array.shape[1] > 1 and array.dtype.kind in "biuf"
    return is_table and {*np.unique(array).tolist()} == {0, 1} and not bool((array.sum(1) == 1).all())


def _check_count(names: Sequence[str], where: str) -> None:
    if len(names) < _FEWEST:
        raise UsageError(
            f"{where} must have at least two labels. Received: {', '.join(map(one_line, names)) or 'none'}"
        )


def _check_names(names: Sequence[str], outputs: int, location: str) -> None:
    if names and len(names) != outputs:
        raise UsageError(
            f"{location}: must name each of the {outputs} columns of its labels. Received: {len(names)} names"
        )
