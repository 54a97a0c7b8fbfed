"""The folds of a classifier: their accuracy, and the metric of `--metric`."""

import dataclasses
import functools
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from trainer import interval
from trainer.data.held_out import HeldOut
from trainer.errors import one_line
from trainer.metrics import ACCURACY, Metric
from trainer.objectives import scores
from trainer.objectives.cross_validation.scores import Scores
from trainer.objectives.outputs import Measured
from trainer.objectives.scores import Counts

_SHOWN = 3  # classes in a line


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
        return cls(int((held_out.probabilities.argmax(1) == held_out.targets).sum()), len(held_out.targets))

    @property
    def share(self) -> float:
        """The share of the held-out samples that are classified correctly."""
        return self.correct / self.samples

    @property
    def interval(self) -> list[float]:
        """The 95 % interval (Wilson)."""
        return [*interval.wilson(self.share, self.samples)]

    def to_json(self) -> dict[str, Any]:
        """Returns the accuracy with its interval, and what they are made of."""
        return {"accuracy": self.share, "interval": self.interval, "correct": self.correct, "samples": self.samples}


@dataclasses.dataclass(frozen=True)
class OfClasses:
    """The result of the folds of a classifier; see `CrossValidation`.

    Attributes:
      predictions: of each fold, in order.
      metric: of `--metric`.
    """

    predictions: Sequence[HeldOut]
    metric: Metric = ACCURACY

    @property
    def count(self) -> int:
        return len(self.predictions)

    @property
    def samples(self) -> str:
        return self.predictions[0].samples

    @property
    def measured(self) -> Measured | None:
        return None

    @functools.cached_property
    def confusion(self) -> Counts:
        names = self.predictions[0].class_names
        confusion = np.zeros((len(names), len(names)), np.int64)
        for one in self.predictions:
            np.add.at(confusion, (one.targets, one.probabilities.argmax(1)), 1)
        return confusion

    @functools.cached_property
    def folds(self) -> Sequence[Accuracy]:
        """The accuracy of each fold, in order."""
        return [*map(Accuracy.of, self.predictions)]

    @property
    def whole(self) -> Accuracy:
        """The accuracy over all held-out samples."""
        return Accuracy(sum(one.correct for one in self.folds), sum(one.samples for one in self.folds))

    @property
    def mean(self) -> float:
        """The mean of the accuracies of the folds."""
        return statistics.fmean(one.share for one in self.folds)

    @property
    def deviation(self) -> float:
        """The standard deviation of the accuracies between folds, with one degree of freedom less than folds."""
        return statistics.stdev(one.share for one in self.folds)

    @functools.cached_property
    def others(self) -> Scores | None:
        """The metric of `--metric`; None for the accuracy."""
        if self.metric is ACCURACY:
            return None
        return Scores(
            self.metric,
            [scores.score(self.metric.name, one.targets, one.probabilities) for one in self.predictions],
        )

    def fold(self, number: int) -> str:
        tested, other = self.folds[number - 1], ""
        if self.others and math.isfinite(value := self.others.values[number - 1]):
            other = f", {self.metric.name} {value:.4f}"
        return f"accuracy {interval.percent(tested.share, tested.samples, self.samples)}{other}"

    def summary(self) -> str:
        return f"cross-validated accuracy {interval.percent(self.whole.share, self.whole.samples, self.samples)}"

    def lines(self) -> Iterator[str]:
        small = self.small_classes()
        if small:
            shown = ", ".join(f"{one_line(name)} ({size:,})" for name, size in [*small.items()][:_SHOWN])
            more = f" and {len(small) - _SHOWN:,} more" if len(small) > _SHOWN else ""
            verb, noun = ("class has", "it") if len(small) == 1 else ("classes have", "them")
            yield f"{len(small):,} {verb} fewer {self.samples} than folds, so some folds lack {noun}: {shown}{more}"
        yield self.summary()
        yield f"  between folds: mean {self.mean:.2%}, standard deviation {self.deviation:.2%}"
        yield from self.others.lines() if self.others else ()

    def small_classes(self) -> Mapping[str, int]:
        """Returns the number of samples of each class that has fewer samples than there are folds."""
        sizes, names = self.confusion.sum(1).tolist(), self.predictions[0].class_names
        return {name: size for name, size in zip(names, sizes, strict=True) if 0 < size < self.count}

    def fold_json(self, number: int) -> dict[str, Any]:
        found = self.folds[number - 1].to_json()
        if self.others:
            value = self.others.values[number - 1]
            found[self.metric.name] = value if math.isfinite(value) else None
        return found

    def to_json(self) -> dict[str, Any]:
        metric = {"metric": self.others.to_json()} if self.others else {}
        return {
            **self.whole.to_json(),
            "folds": self.count,
            "mean": self.mean,
            "standard_deviation": self.deviation,
            **metric,
        }

    def card_json(self) -> dict[str, Any]:
        return {"accuracy": self.whole.share, "accuracy_interval": self.whole.interval}

    def card_lines(self, name: str) -> Iterator[str]:
        low, high = self.whole.interval
        yield f"Accuracy in cross-validation with {self.count} folds, over {self.whole.samples:,} held-out {name}s:"
        yield f"{self.whole.share:.2%}; 95 % interval (Wilson): {low:.2%} to {high:.2%}."
        yield f"Between folds: mean {self.mean:.2%}, standard deviation {self.deviation:.2%}. These are the accuracies"
        yield f"of {self.count} networks, each trained like this one without the {name}s of its fold. This one is"
        yield f"trained on the {name}s of all folds, except its validation part.\n"
