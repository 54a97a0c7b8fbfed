"""The folds of labels or numbers: means over the folds."""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer.data.held_out import HeldOut
from trainer.metrics import Metric
from trainer.objectives.cross_validation.scores import Scores
from trainer.objectives.outputs import Measured
from trainer.objectives.scores import Counts

Values = npt.NDArray[np.float64]
Each = Callable[[str, HeldOut], Values]  # a metric of each output, `(outputs,)`; NaN where it is undefined

_NONE = "–"


@dataclasses.dataclass(frozen=True)
class Words:
    """How a target's results are shown.

    Attributes:
      metrics: the words for each metric's name.
      title: of the card, from the number of outputs.
      heading: of the card's part with the result.
      columns: of the table of all outputs.
    """

    metrics: Mapping[str, str]
    title: Callable[[int], str]
    heading: str
    columns: Sequence[str]


@dataclasses.dataclass(frozen=True)
class Means:
    """The result of the folds of labels or numbers; see `CrossValidation`.

    Probabilities of different networks are not on one scale, so there is no score over all held-out samples: a score is
    the mean of those of the folds.

    Attributes:
      predictions: of each fold, in order.
      metrics: the target's two, then that of `--metric` if it is another one.
      each: computes a metric of each output on the samples that a fold holds out.
      support: how many samples have each label, as text; empty for numbers.
      words: how results are shown.
    """

    predictions: Sequence[HeldOut]
    metrics: Sequence[Metric]
    each: Each
    support: Sequence[str]
    words: Words

    confusion: Counts | None = None

    @property
    def count(self) -> int:
        return len(self.predictions)

    @property
    def samples(self) -> str:
        return self.predictions[0].samples

    @functools.cached_property
    def scores(self) -> Sequence[Scores]:
        """Each metric over the folds; of each fold it is the mean over the outputs for which it is defined."""
        return [
            Scores(metric, [_mean(self.each(metric.name, one)) for one in self.predictions]) for metric in self.metrics
        ]

    @functools.cached_property
    def measured(self) -> Measured:
        names = self.predictions[0].class_names
        each = [
            [
                np.array(values)
                for values in zip(*(self.each(metric.name, one) for one in self.predictions), strict=True)
            ]
            for metric in self.metrics[:2]
        ]
        rows = [
            [name, *(self._shown(metric, _mean(of[index])) for metric, of in zip(self.metrics, each, strict=False))]
            for index, name in enumerate(names)
        ]
        if self.support:
            rows = [[*row, has] for row, has in zip(rows, self.support, strict=True)]
        return Measured(
            content={one.metric.name: one.mean for one in self.scores},
            summary=self.summary(),
            title=self.words.title(len(names)),
            heading=self.words.heading,
            lines=[],  # those of the cross-validation
            columns=self.words.columns,
            rows=rows,
            part="held-out",
        )

    def fold(self, number: int) -> str:
        found = ", ".join(
            f"{self._name(one.metric)} {self._shown(one.metric, one.values[number - 1])}" for one in self.scores
        )
        held = len(self.predictions[number - 1].targets)
        return f"{found} ({held:,} {self.samples if held != 1 else self.predictions[0].kind})"

    def summary(self) -> str:
        return f"cross-validated {self._line(self.scores[0], f', {self._samples:,} {self.samples}')}"

    def lines(self) -> Iterator[str]:
        yield self.summary()
        for one in self.scores[1:]:
            yield f"  {self._line(one)}"
        spread = ", ".join(self._shown(one.metric, one.deviation) for one in self.scores if one.deviation is not None)
        yield f"  means of {self.count} folds, 95 % intervals by Student's t; standard deviation {spread or _NONE}"

    def fold_json(self, number: int) -> dict[str, Any]:
        values = {one.metric.name: one.values[number - 1] for one in self.scores}
        return {
            **{name: float(value) if np.isfinite(value) else None for name, value in values.items()},
            "samples": len(self.predictions[number - 1].targets),
        }

    def to_json(self) -> dict[str, Any]:
        found = {
            one.metric.name: {
                "mean": one.mean,
                "standard_deviation": one.deviation,
                "interval": None if one.interval is None else [*one.interval],
            }
            for one in self.scores
        }
        return {**found, "samples": self._samples, "folds": self.count}

    def card_json(self) -> dict[str, Any]:
        return {}

    def card_lines(self, name: str) -> Iterator[str]:
        yield f"Cross-validation with {self.count} folds, over {self._samples:,} held-out {name}s; means over the"
        yield "folds, with 95 % intervals by Student's t:\n"
        for one in self.scores:
            yield f"- {self._line(one)}"
        yield ""
        yield f"These are the results of {self.count} networks, each trained like this one without the {name}s of its"
        yield f"fold. This one is trained on the {name}s of all folds, except its validation part.\n"

    @property
    def _samples(self) -> int:
        return sum(len(one.targets) for one in self.predictions)

    def _line(self, found: Scores, more: str = "") -> str:
        """Returns a metric with its mean and interval."""
        name, metric = self._name(found.metric), found.metric
        if found.interval is None:
            return f"{name} {self._shown(metric, found.mean)}{f' ({more[2:]})' if more else ''}"
        low, high = (self._shown(metric, end) for end in found.interval)
        return f"{name} {self._shown(metric, found.mean)} ({low} to {high}{more})"

    def _name(self, metric: Metric) -> str:
        return self.words.metrics.get(metric.name, metric.name)

    @staticmethod
    def _shown(metric: Metric, value: float | None) -> str:
        return _NONE if value is None or not np.isfinite(value) else format(value, metric.form)


def _mean(values: Values) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
