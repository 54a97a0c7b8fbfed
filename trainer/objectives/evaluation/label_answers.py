"""The answers of a model of several labels, and their scores."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer import interval
from trainer.objectives import calibration
from trainer.objectives.calibration import Bin
from trainer.objectives.evaluation import bootstrap
from trainer.objectives.evaluation.bootstrap import Interval, Scores, Weights
from trainer.objectives.evaluation.result import Field, Indices, Mistakes, Summary

Bools = npt.NDArray[np.bool_]

_LISTED = 10  # pairs of labels
_NONE = "–"


@dataclasses.dataclass(frozen=True)
class Label:
    """The scores of one label; an undefined one is None."""

    name: str
    threshold: float
    precision: float | None
    recall: float | None
    f1: float | None
    average_precision: float | None
    average_precision_interval: Interval | None
    calibration_error: float
    samples: int
    bins: Sequence[Bin]

    def content(self) -> dict[str, Any]:
        """Returns the scores as JSON types."""
        of_precision = self.average_precision_interval
        return {
            "label": self.name,
            "threshold": self.threshold,
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
            "average_precision": self.average_precision,
            "average_precision_interval": [*of_precision] if of_precision else None,
            "calibration_error": self.calibration_error,
            "samples": self.samples,
            "calibration": [dataclasses.asdict(one) for one in self.bins],
        }


@dataclasses.dataclass(frozen=True)
class Answers:
    """The model's answers for some samples.

    Attributes:
      true: which labels each sample has, `(samples, labels)`.
      probabilities: float32 of the same shape.
      limits: the threshold of each label, float32 `(labels,)`.
    """

    true: Bools
    probabilities: npt.NDArray[np.float32]
    limits: npt.NDArray[np.float32]

    @property
    def given(self) -> Bools:
        """Which labels each sample is given."""
        return self.probabilities >= self.limits

    def chosen(self, which: Indices) -> "Answers":
        """Returns the answers at some positions."""
        return Answers(self.true[which], self.probabilities[which], self.limits)

    def counts(self) -> npt.NDArray[np.int64]:
        """Returns how many samples have each label and are given it, have it only, are given it only, neither."""
        true, given = self.true, self.given
        return np.stack([np.sum(one, 0) for one in (true & given, true & ~given, ~true & given, ~true & ~given)], 1)

    def scores(self, names: Sequence[str]) -> list[Label]:
        """Returns the scores of each label."""
        precisions, drawn = self._precisions
        found = []
        for number, (hits, missed, wrong, _) in enumerate(self.counts().tolist()):
            support, given = hits + missed, hits + wrong
            bins = calibration.bins(self.probabilities[:, number], self.true[:, number])
            found.append(
                Label(
                    names[number],
                    float(self.limits[number]),
                    hits / given if given else (0.0 if support else None),
                    hits / support if support else None,
                    2 * hits / (given + support) if support else None,
                    float(precisions[number]) if support else None,
                    bootstrap.interval(precisions[number], drawn[:, number], support),
                    calibration.expected_error(bins),
                    support,
                    bins,
                )
            )
        return found

    def summary(self) -> Summary:
        """Returns the scores of all labels together."""
        count, once = len(self.true), bootstrap.once(len(self.true))
        precisions, drawn = self._precisions
        precision = bootstrap.mean(precisions[np.newaxis])[0]
        of_precision = bootstrap.interval(precision, bootstrap.mean(drawn), count)
        f1 = self._f1(once)[0]
        of_f1 = bootstrap.interval(f1, bootstrap.resampled(count, self.true.shape[1], self._f1), count)
        exact = float(np.mean((self.true == self.given).all(1)))
        columns = zip(self.probabilities.T, self.true.T, strict=True)
        errors = [calibration.expected_error(calibration.bins(shares, true)) for shares, true in columns]
        content = {
            "samples": count,
            "mean_average_precision": bootstrap.known(precision),
            "mean_average_precision_interval": [*of_precision] if of_precision else None,
            "macro_f1": bootstrap.known(f1),
            "macro_f1_interval": [*of_f1] if of_f1 else None,
            "exact": exact,
            "exact_interval": [*interval.wilson(exact, count)],
            "calibration_error": float(np.mean(errors)),
        }
        cells = [
            shown(bootstrap.known(precision)),
            between(of_precision),
            shown(bootstrap.known(f1)),
            f"{exact:.2%}",
            f"{count:,}",
        ]
        return Summary(content, cells, 2.0 if np.isnan(precision) else float(precision))

    def mistakes(self, names: Sequence[str], indices: Indices) -> Mistakes:
        """Returns the samples with a wrong label, that with the most wrong probability first."""
        given = self.given
        wrong = np.where(self.true != given, np.abs(self.probabilities - self.true), -1.0)
        label = wrong.argmax(1)
        worst = wrong[np.arange(len(wrong)), label]
        order = [index for index in np.argsort(-worst, kind="stable").tolist() if worst[index] >= 0]
        return Mistakes(
            "worst mistakes",
            indices[order],
            [
                Field("true", [joined(names, self.true[index]) for index in order]),
                Field("predicted", [joined(names, given[index]) for index in order]),
                Field("label", [names[label[index]] for index in order]),
                Field("probability", [float(self.probabilities[index, label[index]]) for index in order], ".4f"),
            ],
        )

    def instead(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """Returns the most frequent pairs of a label that is missed and one that is given wrongly, JSON types."""
        missed, wrong = (self.true & ~self.given), (~self.true & self.given)
        pairs = missed.T.astype(np.float32) @ wrong.astype(np.float32)
        order = np.argsort(-pairs, axis=None, kind="stable")[:_LISTED]
        rows, columns = np.unravel_index(order, pairs.shape)
        return [
            {"missed": names[row], "given": names[column], "samples": int(pairs[row, column])}
            for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
            if pairs[row, column]
        ]

    @functools.cached_property
    def _precisions(self) -> tuple[Scores, Scores]:
        """The average precision of each label, `(labels,)`, and of resamples, the same ones for all, `(…, labels)`."""
        columns = [_Ranking.of(true, shares) for true, shares in zip(self.true.T, self.probabilities.T, strict=True)]
        count, once = len(self.true), bootstrap.once(len(self.true))
        drawn = [bootstrap.resampled(count, len(columns), one.average_precision) for one in columns]
        return np.concatenate([one.average_precision(once) for one in columns]), np.stack(drawn, 1)

    def _f1(self, weights: Weights) -> Scores:
        """Returns the mean F1 of the labels that some sample has, of each row of weights."""
        true, given = (one.astype(np.float32) for one in (self.true, self.given))
        hits, support, taken = (weights @ one for one in (true * given, true, given))
        return bootstrap.mean(np.divide(2 * hits, support + taken, out=np.full(hits.shape, np.nan), where=support > 0))


@dataclasses.dataclass(frozen=True)
class _Ranking:
    """The samples in the order of the probability of a label, the highest first.

    Attributes:
      order: their positions.
      is_true: whether each has the label, in this order.
      ends: the last place of each run of equal probabilities, whose samples pass a threshold together.
    """

    order: Indices
    is_true: Bools
    ends: Indices

    @classmethod
    def of(cls, is_true: Bools, probabilities: npt.NDArray[np.float32]) -> "_Ranking":
        order = np.argsort(-probabilities, kind="stable")
        ranked = probabilities[order]
        ends = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
        return cls(order, is_true[order], ends)

    def average_precision(self, weights: Weights) -> Scores:
        """Returns the score of each row of weights, as `trainer.objectives.ranking` does; NaN without a sample."""
        drawn = weights[:, self.order]
        total = drawn.cumsum(1, dtype=np.float64)[:, self.ends]
        hits = (drawn * self.is_true).cumsum(1, dtype=np.float64)[:, self.ends]
        precision = np.divide(hits, total, out=np.zeros(hits.shape), where=total > 0)
        gained = (np.diff(hits, axis=1, prepend=0) * precision).sum(1)
        support = hits[:, -1]
        found = np.divide(gained, support, out=np.full(len(weights), np.nan), where=support > 0)
        return np.asarray(found, np.float64)


def joined(names: Sequence[str], which: Bools) -> str:
    """Returns the names of some labels as a cell of a manifest has them."""
    return ";".join(names[index] for index in np.flatnonzero(which).tolist())


def shown(value: float | None) -> str:
    """Returns a score for a person."""
    return _NONE if value is None else f"{value:.3f}"


def between(ends: Sequence[float] | None) -> str:
    """Returns the ends of an interval for a person."""
    return _NONE if ends is None else f"{ends[0]:.3f} to {ends[1]:.3f}"
