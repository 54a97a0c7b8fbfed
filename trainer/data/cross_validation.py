"""The result of a cross-validation: the accuracy of each fold, over all folds, and how much folds differ."""

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer import interval
from trainer.data.held_out import HeldOut, path_of


@dataclasses.dataclass(frozen=True)
class Accuracy:
    """An accuracy on held-out samples.

    Attributes:
      correct: the number of held-out samples that are classified correctly.
      samples: the number of held-out samples.
    """

    correct: int
    samples: int

    @classmethod
    def of(cls, held_out: HeldOut) -> "Accuracy":
        """Returns the result of a fold from its predictions."""
        return cls(int((held_out.predicted == held_out.targets).sum()), len(held_out.targets))

    @property
    def share(self) -> float:
        """The share of the held-out samples that are classified correctly."""
        return self.correct / self.samples

    def to_json(self) -> dict[str, Any]:
        """Returns the accuracy with its 95 % interval (Wilson), and what they are made of."""
        low, high = interval.wilson(self.share, self.samples)
        return {"accuracy": self.share, "interval": [low, high], "correct": self.correct, "samples": self.samples}


@dataclasses.dataclass(frozen=True)
class CrossValidation:
    """The result of all folds. Each sample is held out once.

    Attributes:
      folds: the result of each fold, in order.
      confusion: how many held-out samples of each class were classified as which, `(classes, classes)`, true classes
        in rows.
      class_names: in the order of the classes.
      kind: what one sample is, such as image.
    """

    folds: Sequence[Accuracy]
    confusion: npt.NDArray[np.int64]
    class_names: Sequence[str]
    kind: str

    @classmethod
    def of(cls, predictions: Sequence[HeldOut]) -> "CrossValidation":
        """Returns the result of folds with the same classes from their predictions, at least one fold."""
        classes = len(predictions[0].class_names)
        confusion = np.zeros((classes, classes), np.int64)
        for one in predictions:
            np.add.at(confusion, (one.targets, one.predicted), 1)
        return cls([*map(Accuracy.of, predictions)], confusion, predictions[0].class_names, predictions[0].kind)

    @classmethod
    def read(cls, root: Path, count: int) -> "CrossValidation | None":
        """Returns the result of the folds below the folder of a run; None if a fold has not ended.

        Raises:
          UsageError: a file of predictions is damaged.
        """
        try:
            return cls.of([HeldOut.read(path_of(root, number)) for number in range(1, count + 1)])
        except FileNotFoundError:
            return None

    @property
    def whole(self) -> Accuracy:
        """The result over all held-out samples."""
        return Accuracy(sum(one.correct for one in self.folds), sum(one.samples for one in self.folds))

    @property
    def mean(self) -> float:
        """The mean of the accuracies of the folds."""
        return statistics.fmean(one.share for one in self.folds)

    @property
    def deviation(self) -> float:
        """The standard deviation of the accuracies between folds, with one degree of freedom less than folds."""
        return statistics.stdev(one.share for one in self.folds)

    @property
    def samples(self) -> str:
        """What the samples are, in the plural, such as images."""
        return f"{self.kind}s"

    def small_classes(self) -> Mapping[str, int]:
        """Returns the number of samples of each class that has fewer samples than there are folds."""
        sizes = self.confusion.sum(1).tolist()
        return {name: size for name, size in zip(self.class_names, sizes, strict=True) if 0 < size < len(self.folds)}

    def to_json(self) -> dict[str, Any]:
        """Returns the result over all held-out samples, the mean and the standard deviation between folds."""
        return {
            **self.whole.to_json(),
            "folds": len(self.folds),
            "mean": self.mean,
            "standard_deviation": self.deviation,
        }
