"""What the predictions of a classifier are worth: all that depends on each sample having one class."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer import interval
from trainer.evaluate.predictions import Part
from trainer.objectives import calibration
from trainer.objectives.calibration import Bin
from trainer.objectives.ranking import average_precision
from trainer.objectives.scores import Counts, Score, per_class

_MOST_VALUES = 2**26  # probabilities in memory, 256 MB; of more samples or classes, some classes at a time

Targets = npt.NDArray[np.int32]
Read = Callable[[], Iterable[tuple[int, Part]]]  # the predictions, in parts, each with its first sample


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

    indices: npt.NDArray[np.int64]
    targets: Targets
    predicted: npt.NDArray[np.int64]
    confidence: npt.NDArray[np.float32]
    of_target: npt.NDArray[np.float32]

    @property
    def is_right(self) -> npt.NDArray[np.bool_]:
        """Whether each sample is classified correctly."""
        return np.equal(self.predicted, self.targets)

    def chosen(self, which: npt.NDArray[np.int64]) -> "Answers":
        """Returns the answers at some positions."""
        return Answers(*(getattr(self, field.name)[which] for field in dataclasses.fields(self)))

    def mistakes(self) -> npt.NDArray[np.int64]:
        """Returns the positions of the wrong answers, those with the highest probability first."""
        wrong = np.flatnonzero(~self.is_right)
        return wrong[np.lexsort((wrong, -self.confidence[wrong]))]


@dataclasses.dataclass(frozen=True)
class Summary:
    """The scores of a classifier on some samples.

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

    def to_json(self) -> dict[str, Any]:
        """Returns the scores as JSON types."""
        return {
            "samples": self.samples,
            "accuracy": self.accuracy,
            "accuracy_interval": list(interval.wilson(self.accuracy, self.samples)),
            "balanced_accuracy": self.balanced_accuracy,
            "macro_f1": self.f1,
            "calibration_error": self.calibration_error,
        }


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """The whole result.

    Attributes:
      names: of the classes.
      summary: of all samples.
      confusion: true classes in rows, predicted classes in columns.
      scores: of each class.
      average_precisions: of each class; None without samples.
      bins: of the reliability diagram.
      answers: for each sample.
      groups: the scores of each group.
    """

    names: Sequence[str]
    summary: Summary
    confusion: Counts
    scores: Sequence[Score]
    average_precisions: Sequence[float | None]
    bins: Sequence[Bin]
    answers: Answers
    groups: Mapping[str, Summary]

    @property
    def mean_average_precision(self) -> float:
        """The mean over the classes with samples."""
        return float(np.mean([one for one in self.average_precisions if one is not None]))


def evaluation(names: Sequence[str], targets: Targets, groups: Sequence[str], read: Read) -> Evaluation:
    """Returns the result of an evaluation.

    Args:
      names: of the classes, in the order of the probabilities.
      targets: the class number of each sample.
      groups: the group of each sample; empty if there are none.
      read: returns the predictions; at least one sample can be read.
    """
    found = _answers(targets, read)
    confusion = _confusion(found, len(names))
    return Evaluation(
        names,
        _summary(found, confusion),
        confusion,
        per_class(confusion, names),
        [*_average_precisions(found, len(targets), len(names), read)],
        calibration.bins(found.confidence, found.is_right),
        found,
        {group: _of_group(found, own, len(names)) for group, own in _grouped(groups, found.indices)},
    )


def _answers(targets: Targets, read: Read) -> Answers:
    parts = [_of_part(targets, first, part) for first, part in read()]
    return Answers(*map(np.concatenate, zip(*parts, strict=True)))


def _of_part(targets: Targets, first: int, part: Part) -> tuple[npt.NDArray[Any], ...]:
    sound = np.flatnonzero(~np.isnan(part.probabilities).any(1))
    indices, shares = first + sound, part.probabilities[sound]
    own, each = targets[indices], np.arange(len(sound))
    predicted = shares.argmax(1)
    return indices, own, predicted, shares[each, predicted], shares[each, own]


def _grouped(groups: Sequence[str], indices: npt.NDArray[np.int64]) -> Iterator[tuple[str, npt.NDArray[np.int64]]]:
    """Yields each group, and the positions of its samples among the indices."""
    if not groups:
        return
    names, numbers = np.unique(np.array(groups, np.str_)[indices], return_inverse=True)
    order = np.argsort(numbers, kind="stable")
    yield from zip(names.tolist(), np.split(order, np.cumsum(np.bincount(numbers))[:-1]), strict=True)


def _of_group(found: Answers, which: npt.NDArray[np.int64], classes: int) -> Summary:
    own = found.chosen(which)
    return _summary(own, _confusion(own, classes))


def _summary(found: Answers, confusion: Counts) -> Summary:
    support, right = confusion.sum(1), np.diagonal(confusion)
    has = support > 0
    return Summary(
        len(found.targets),
        float(right.sum() / support.sum()),
        float((right[has] / support[has]).mean()),
        float((2 * right[has] / (support + confusion.sum(0))[has]).mean()),
        calibration.expected_error(calibration.bins(found.confidence, found.is_right)),
    )


def _confusion(found: Answers, classes: int) -> Counts:
    cells = found.targets.astype(np.int64) * classes + found.predicted
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)


def _average_precisions(found: Answers, samples: int, classes: int, read: Read) -> Iterator[float | None]:
    """Yields the average precision of each class; reads the predictions again for each few of many classes."""
    step = max(1, _MOST_VALUES // max(1, samples))
    for first in range(0, classes, step):
        last = min(first + step, classes)
        scores = np.empty((last - first, samples), np.float32)
        for start, part in read():
            scores[:, start : start + len(part.probabilities)] = part.probabilities[:, first:last].T
        for number in range(first, last):
            yield average_precision(scores[number - first, found.indices], found.targets == number)
