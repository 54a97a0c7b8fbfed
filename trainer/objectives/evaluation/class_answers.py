"""The answers of a classifier, and their scores."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer import interval
from trainer.objectives import calibration
from trainer.objectives.evaluation.result import Field, Indices, Mistakes, Read, Summary
from trainer.objectives.ranking import average_precision
from trainer.objectives.scores import Counts

_MOST_VALUES = 2**26  # probabilities in memory, 256 MB; of more samples or classes, some classes at a time


@dataclasses.dataclass(frozen=True)
class Answers:
    """The model's answers for the samples that can be read.

    Attributes:
      indices: of the samples, `(samples,)`, as all other attributes.
      targets: their class numbers.
      predicted: the numbers of the most probable classes.
      confidence: the probabilities of these.
      of_target: the probability of each sample's own class.
    """

    indices: Indices
    targets: npt.NDArray[np.int32]
    predicted: Indices
    confidence: npt.NDArray[np.float32]
    of_target: npt.NDArray[np.float32]

    @property
    def is_right(self) -> npt.NDArray[np.bool_]:
        """Whether each sample is classified correctly."""
        return np.equal(self.predicted, self.targets)

    def chosen(self, which: Indices) -> "Answers":
        """Returns the answers at some positions."""
        return Answers(*(getattr(self, field.name)[which] for field in dataclasses.fields(self)))

    def mistakes(self, names: Sequence[str]) -> Mistakes:
        """Returns the wrong answers, those with the highest probability first."""
        wrong = np.flatnonzero(~self.is_right)
        one = self.chosen(wrong[np.lexsort((wrong, -self.confidence[wrong]))])
        return Mistakes(
            "worst mistakes",
            one.indices,
            [
                Field("true", [names[number] for number in one.targets]),
                Field("predicted", [names[number] for number in one.predicted]),
                Field("probability", one.confidence.tolist(), ".4f"),
                Field("probability_of_true", one.of_target.tolist(), ".4f", is_shown=False),
            ],
        )


@dataclasses.dataclass(frozen=True)
class Scores:
    """The scores of some samples.

    Attributes:
      samples: their number, at least 1.
      accuracy: the share that is classified correctly.
      balanced_accuracy: the mean recall of the classes with samples.
      f1: the mean F1 of the classes with samples.
      calibration_error: the expected calibration error.
    """

    samples: int
    accuracy: float
    balanced_accuracy: float
    f1: float
    calibration_error: float

    @classmethod
    def of(cls, found: Answers, confusion: Counts) -> "Scores":
        support, right = confusion.sum(1), np.diagonal(confusion)
        has = support > 0
        return cls(
            len(found.targets),
            float(right.sum() / support.sum()),
            float((right[has] / support[has]).mean()),
            float((2 * right[has] / (support + confusion.sum(0))[has]).mean()),
            calibration.expected_error(calibration.bins(found.confidence, found.is_right)),
        )

    def summary(self) -> Summary:
        low, high = interval.wilson(self.accuracy, self.samples)
        return Summary(
            {
                "samples": self.samples,
                "accuracy": self.accuracy,
                "accuracy_interval": [low, high],
                "balanced_accuracy": self.balanced_accuracy,
                "macro_f1": self.f1,
                "calibration_error": self.calibration_error,
            },
            [
                f"{self.accuracy:.2%}",
                f"{100 * low:.2f} to {high:.2%}",
                f"{self.f1:.3f}",
                f"{self.calibration_error:.3f}",
                f"{self.samples:,}",
            ],
            self.accuracy,
        )


def answers_of(targets: npt.NDArray[np.int32], read: Read) -> Answers:
    """Returns the answers; of all probabilities only those that they need are kept in memory."""
    parts = [_of_part(targets, first, probabilities) for first, probabilities in read()]
    return Answers(*map(np.concatenate, zip(*parts, strict=True)))


def _of_part(
    targets: npt.NDArray[np.int32], first: int, probabilities: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[Any], ...]:
    sound = np.flatnonzero(~np.isnan(probabilities).any(1))
    indices, shares = first + sound, probabilities[sound]
    own, each = targets[indices], np.arange(len(sound))
    predicted = shares.argmax(1)
    return indices, own, predicted, shares[each, predicted], shares[each, own]


def confusion_of(found: Answers, classes: int) -> Counts:
    """Returns the confusion matrix: true classes in rows, predicted classes in columns."""
    cells = found.targets.astype(np.int64) * classes + found.predicted
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)


def average_precisions(found: Answers, samples: int, classes: int, read: Read) -> Iterator[float | None]:
    """Yields the average precision of each class; reads the predictions again for each few of many classes."""
    step = max(1, _MOST_VALUES // max(1, samples))
    for first in range(0, classes, step):
        last = min(first + step, classes)
        scores = np.empty((last - first, samples), np.float32)
        for start, probabilities in read():
            scores[:, start : start + len(probabilities)] = probabilities[:, first:last].T
        for number in range(first, last):
            yield average_precision(scores[number - first, found.indices], found.targets == number)
