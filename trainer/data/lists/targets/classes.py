"""One class for each sample: a name or a whole number."""

import dataclasses
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from trainer.data.lists import entries as listed
from trainer.data.lists import labels as texts
from trainer.data.lists.entries import Entry
from trainer.data.lists.numbered import numbered
from trainer.data.lists.targets.labels import Labels, are_plain
from trainer.data.lists.targets.target import Array, Arrays
from trainer.data.lists.text import normal
from trainer.errors import UsageError, one_line
from trainer.hparams import CLASSES

_MARKS = re.compile(r"[;|]")  # what separates labels
_OTHER = {  # what a text that is no class is elsewhere
    "a fraction": "`--target=numbers` trains on real numbers",
    "a number with a sign": "`--target=numbers` trains on real numbers",
    "several values": "`--target=labels` trains on several labels a sample",
}


def hint(fault: str) -> str:
    """Returns the other reading of a text that is no class, for a message; empty if there is none."""
    return f"; {_OTHER[fault]}" if fault in _OTHER else ""


@dataclasses.dataclass(frozen=True)
class Classes:
    """Reads classes.

    Attributes:
      is_asked: whether `--target=classes` says so; otherwise what may be several labels is refused, with both readings.
    """

    is_asked: bool
    name: str = CLASSES
    contradicts: bool = True
    allows_none: bool = False

    def has_columns(self) -> bool:
        return False

    def of_cell(self, text: str, where: str) -> str:
        label = normal(text)
        if fault := texts.fault(label):
            raise UsageError(
                f"{where}: `label` must be one class: a name or a whole number. Received: {one_line(label)}, {fault}"
                f"{hint(fault)}"
            )
        return label

    def of_value(self, value: Any, name: str, where: str) -> str | None:
        return None

    def of_columns(self, row: Mapping[str, str], names: Sequence[str], where: str) -> str:
        raise NotImplementedError("a class has one column")

    def settled(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        first: dict[str, str] = {}
        for entry in entries:
            first.setdefault(entry.label, entry.listed)
        try:
            texts.reject_several(first, first.__getitem__)
        except UsageError as error:
            raise UsageError(f"{error}{hint('several values') if any(map(_MARKS.search, first)) else ''}") from None
        for label, where in first.items():
            if not self.is_asked and len([*filter(str.strip, label.split(";"))]) > 1:
                raise UsageError(
                    f"{where}: `label` must be one class, unless `--target=labels` reads several labels. "
                    f"Received: {one_line(label)}; `--target=classes` reads it as one class"
                )
        return entries

    def names(self, entries: Sequence[Entry]) -> tuple[str, ...]:
        return listed.class_names(entries)

    def encoded(self, entries: Sequence[Entry], names: Sequence[str]) -> Array:
        numbers = {name: number for number, name in enumerate(names)}
        return np.array([numbers[entry.label] for entry in entries], np.int32)

    def strata(self, entries: Sequence[Entry]) -> Sequence[str]:
        return [entry.label for entry in entries]

    def check(self, entries: Sequence[Entry], names: Sequence[str], one: str, parts: Collection[str]) -> None:
        trained = {entry.label for entry in entries if entry.part in parts}
        for entry in entries:
            if entry.label not in trained:
                raise UsageError(
                    f"{entry.place}: a class must have {one} in the training part. "
                    f"Received: {one_line(entry.label)}, which has {'none' if trained else 'none; no class has one'}"
                )
        if len(names) < 2:
            raise UsageError(f"`--data` must contain at least two classes. Received: {', '.join(map(one_line, names))}")

    def arrays(
        self, labels: Mapping[str, Array], train: str, names: Sequence[str], location: str, *, for_training: bool = True
    ) -> Arrays:
        if not self.is_asked and are_plain(labels[train]):
            return Labels().arrays(labels, train, names, location, for_training=for_training)
        targets, found, missing = numbered(labels, train, names, location, 2 if for_training else 1)
        return Arrays(targets, found, missing, CLASSES)

    def texts(self, targets: Array, names: Sequence[str]) -> list[str]:
        return [names[number] if names else str(number) for number in targets.reshape(-1).tolist()]


BY_DEFAULT = Classes(is_asked=False)
