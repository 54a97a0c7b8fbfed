"""The interface of a reader of targets."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from trainer.data.lists.entries import Entry

Array = npt.NDArray[Any]


@dataclasses.dataclass(frozen=True)
class Arrays:
    """The targets of an `.npz` file.

    Attributes:
      targets: by the name of the array: int64 `(count,)` of classes, float32 `(count, outputs)` of labels and numbers.
      names: of the classes, labels or numbers; empty where classes are their numbers.
      missing: given names that no training sample has.
      target: classes, labels or numbers.
    """

    targets: Mapping[str, Array]
    names: tuple[str, ...]
    missing: Sequence[str]
    target: str


class Target(Protocol):
    """How the targets of a data set are read.

    A list's target is a text, `Entry.label`: the name of the class, a JSON list of labels, or a JSON object of numbers.
    """

    @property
    def name(self) -> str:
        """One of classes, labels, numbers."""

    @property
    def contradicts(self) -> bool:
        """Whether two samples of one content must have one target."""

    @property
    def allows_none(self) -> bool:
        """Whether an empty cell says something: that a sample has no label."""

    def has_columns(self) -> bool:
        """Returns whether columns of other names than `label` can hold the target."""

    def of_cell(self, text: str, where: str) -> str:
        """Returns the target that a cell says.

        Raises:
          UsageError: it says none; the message begins with `where`, the line.
        """

    def of_value(self, value: Any, name: str, where: str) -> str | None:
        """Returns the target that a value of a JSON object or of a record says; None if a cell of its text says it.

        Args:
          value: a text, a number, or a list of these.
          name: of its field, for messages.
          where: the line or record.

        Raises:
          UsageError: it says none.
        """

    def of_columns(self, row: Mapping[str, str], names: Sequence[str], where: str) -> str:
        """Returns the target that several columns say."""

    def settled(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Returns the samples of a whole list, after a check of what only all of them show.

        Raises:
          UsageError: the targets contradict each other.
        """

    def names(self, entries: Sequence[Entry]) -> tuple[str, ...]:
        """Returns the names of the classes, labels or numbers, in the order of the network's outputs."""

    def encoded(self, entries: Sequence[Entry], names: Sequence[str]) -> Array:
        """Returns the targets, int32 `(count,)` of classes, else float32 `(count, outputs)`."""

    def strata(self, entries: Sequence[Entry]) -> Sequence[str]:
        """Returns the stratum of each sample; each gives its share to every part that is split off."""

    def check(self, entries: Sequence[Entry], names: Sequence[str], one: str, parts: Collection[str]) -> None:
        """Checks that the samples of some parts teach each output.

        Args:
          entries: each with its part.
          names: of the outputs.
          one: a sample in words, such as an image.
          parts: that are trained on.

        Raises:
          UsageError: they do not.
        """

    def arrays(
        self, labels: Mapping[str, Array], train: str, names: Sequence[str], location: str, *, for_training: bool = True
    ) -> Arrays:
        """Returns the targets of an `.npz` file.

        Args:
          labels: by the name of the array.
          train: the name of the training part's.
          names: that the file gives the outputs; empty where it gives none.
          location: the file, for messages.
          for_training: whether the training part must be enough to learn from.

        Raises:
          UsageError: they are no such targets.
        """

    def texts(self, targets: Array, names: Sequence[str]) -> list[str]:
        """Returns the targets of an array, `(count, …)`, each as a list has it: as `Entry.label`.

        Args:
          targets: as `encoded` returns them.
          names: of the outputs; empty where classes are their numbers.
        """


def counts_of(targets: Array, outputs: int) -> list[int]:
    """Returns how many samples each class or label has; nothing for numbers.

    Args:
      targets: `(count,)` of classes, `(count, outputs)` of labels and numbers.
      outputs: the number of classes, labels or numbers.
    """
    if targets.ndim == 1:
        return [int(count) for count in np.bincount(targets, minlength=outputs)]
    return [int(count) for count in targets.sum(0)] if np.isin(targets, (0, 1)).all() else []


def array_strata(targets: Array) -> npt.NDArray[np.int64]:
    """Returns the stratum of each sample of an array of targets, `(count,)`.

    Of classes it is the class; of labels the rarest one of the sample, where 0 is a sample without any; numbers have
    one stratum.
    """
    if targets.ndim == 1:
        return targets.astype(np.int64)
    if not np.isin(targets, (0, 1)).all():
        return np.zeros(len(targets), np.int64)
    sizes = targets.sum(0)
    rarity = np.where(targets > 0, 1.0 / np.maximum(sizes, 1), 0.0)
    return np.where(targets.any(1), 1 + rarity.argmax(1), 0).astype(np.int64)
