"""The interface of the result of a cross-validation."""

from collections.abc import Iterator
from typing import Any, Protocol

from trainer.objectives.outputs import Measured
from trainer.objectives.scores import Counts


class CrossValidation(Protocol):
    """The result of all folds. Each sample is held out once."""

    @property
    def count(self) -> int:
        """The number of folds."""

    @property
    def samples(self) -> str:
        """What the samples are, in the plural, such as images."""

    @property
    def measured(self) -> Measured | None:
        """What the held-out samples say of labels or numbers; None for classes."""

    @property
    def confusion(self) -> Counts | None:
        """How many samples of each class were classified as which, true classes in rows; None without classes."""

    def fold(self, number: int) -> str:
        """Returns the result of a fold, counted from 1, in one line."""

    def summary(self) -> str:
        """Returns the result over all folds in one line."""

    def lines(self) -> Iterator[str]:
        """Yields the result over all folds, after a line about classes with fewer samples than folds."""

    def fold_json(self, number: int) -> dict[str, Any]:
        """Returns the result of a fold, counted from 1, as JSON types."""

    def to_json(self) -> dict[str, Any]:
        """Returns the result over all folds as JSON types."""

    def card_json(self) -> dict[str, Any]:
        """Returns what `model.json` has of a model of classes that no sample tested; empty for labels and numbers."""

    def card_lines(self, name: str) -> Iterator[str]:
        """Yields what the result says of the final network.

        Args:
          name: what one sample is, such as image.
        """
