"""The evaluation of real numbers: absolute error, R², and the largest errors."""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer.errors import UsageError
from trainer.objectives.evaluation import bootstrap, known
from trainer.objectives.evaluation.bootstrap import Interval, Scores, Weights
from trainer.objectives.evaluation.result import (
    Array,
    Evaluation,
    Field,
    Figure,
    Indices,
    Matched,
    Mistakes,
    Read,
    Scatter,
    Summary,
    Table,
    grouped,
    noun,
    readable,
)

Exact = npt.NDArray[np.float64]  # (samples, numbers)

_NONE = "–"
_EQUAL = 1e-9  # of numbers that are all equal, rounding leaves at most such a share of their squares as the variance


@dataclasses.dataclass(frozen=True)
class OfNumbers:
    """Evaluates a model of numbers.

    Attributes:
      names: of the numbers, in the order of the outputs.
    """

    names: Sequence[str]

    def match(self, texts: Sequence[str], samples: str, data: str) -> Matched:
        own = [json.loads(text) for text in texts]
        given = [*own[0]]
        if not {*self.names} <= {*given}:
            raise UsageError(
                f"`DATA` must have the numbers of the model: {known.listed(self.names)}. "
                f"Received: {data}, with {known.listed(given)}"
            )
        targets = np.array([[one[name] for name in self.names] for one in own], np.float32)
        others = [name for name in given if name not in self.names]
        line = f"numbers that the model does not predict are ignored: {known.listed(others)}" if others else ""
        return Matched(np.arange(len(own)), targets, {"unknown_numbers": others}, line)

    def evaluate(self, targets: Array, groups: Sequence[str], read: Read, samples: str) -> Evaluation:
        indices, predicted = readable(read)
        found = _Answers(targets[indices].astype(np.float64), predicted.astype(np.float64))
        scores, whole = found.scores(self.names), found.summary()
        error, r2 = whole.content["mean_absolute_error"], whole.content["r2"]
        of_error, of_r2 = (whole.content[f"{name}_interval"] for name in ("mean_absolute_error", "r2"))
        count = noun(len(indices), samples)
        said = ", ".join([*([_ends(of_error)] if of_error else []), count])
        shown = f"{_text(r2)} ({_ends(of_r2)})" if of_r2 else _text(r2)
        interval = f"95 % interval (bootstrap): {_ends(of_error)}" if of_error else "no interval"
        return Evaluation(
            line=f"mean absolute error {_text(error)} ({said}), R² {shown}",
            headline=(_text(error), f"mean absolute error on {count}; {interval}. R²: {shown}."),
            summary=whole,
            content={"numbers": [one.content() for one in scores]},
            scores=_table(scores),
            columns=["abs. error", "95% interval", "R²", "95% interval", samples],
            rule="those with the largest error",
            groups={group: found.chosen(which).summary() for group, which in grouped(groups, indices)},
            mistakes=found.mistakes(self.names, indices),
            lists={},
            figures=dict(_figures(found, self.names)),
        )


@dataclasses.dataclass(frozen=True)
class _Number:
    """The scores of one number; an undefined one is None."""

    name: str
    error: float
    error_interval: Interval | None
    root_mean_square: float
    bias: float
    r2: float | None
    r2_interval: Interval | None

    def content(self) -> dict[str, Any]:
        """Returns the scores as JSON types."""
        return {
            "number": self.name,
            "mean_absolute_error": self.error,
            "mean_absolute_error_interval": [*self.error_interval] if self.error_interval else None,
            "root_mean_square_error": self.root_mean_square,
            "mean_error": self.bias,
            "r2": self.r2,
            "r2_interval": [*self.r2_interval] if self.r2_interval else None,
        }


@dataclasses.dataclass(frozen=True)
class _Answers:
    """True and predicted numbers of some samples, `(samples, numbers)`."""

    true: Exact
    predicted: Exact

    def chosen(self, which: Indices) -> "_Answers":
        """Returns the answers at some positions."""
        return _Answers(self.true[which], self.predicted[which])

    def scores(self, names: Sequence[str]) -> list[_Number]:
        """Returns the scores of each number."""
        count, errors = len(self.true), self.predicted - self.true
        drawn_errors, drawn_r2 = (bootstrap.resampled(count, len(names), score) for score in (self._errors, self._r2))
        r2 = self._r2(bootstrap.once(count))[0]
        return [
            _Number(
                name,
                float(np.abs(errors[:, number]).mean()),
                bootstrap.interval(float(np.abs(errors[:, number]).mean()), drawn_errors[:, number], count),
                float(np.sqrt(np.square(errors[:, number]).mean())),
                float(errors[:, number].mean()),
                bootstrap.known(r2[number]),
                bootstrap.interval(r2[number], drawn_r2[:, number], count),
            )
            for number, name in enumerate(names)
        ]

    def summary(self) -> Summary:
        """Returns the means over the numbers."""
        count, outputs = self.true.shape

        def score(weights: Weights) -> Scores:
            return np.stack([self._errors(weights).mean(1), bootstrap.mean(self._r2(weights))], 1)

        whole, drawn = score(bootstrap.once(count))[0], bootstrap.resampled(count, outputs, score)
        of_error, of_r2 = (bootstrap.interval(whole[index], drawn[:, index], count) for index in range(2))
        error, r2 = float(whole[0]), bootstrap.known(whole[1])
        content = {
            "samples": count,
            "mean_absolute_error": error,
            "mean_absolute_error_interval": [*of_error] if of_error else None,
            "r2": r2,
            "r2_interval": [*of_r2] if of_r2 else None,
        }
        return Summary(content, [_text(error), _ends(of_error), _text(r2), _ends(of_r2), f"{count:,}"], -error)

    def mistakes(self, names: Sequence[str], indices: Indices) -> Mistakes:
        """Returns every number of every sample, the largest error first, each relative to the mean of its errors."""
        errors = self.predicted - self.true
        mean = np.abs(errors).mean(0)
        relative = np.divide(np.abs(errors), mean, out=np.zeros(errors.shape), where=mean > 0)
        rows, columns = np.unravel_index(np.argsort(-relative, axis=None, kind="stable"), errors.shape)
        return Mistakes(
            "largest errors",
            indices[rows],
            [
                Field("number", [names[column] for column in columns]),
                Field("true", self.true[rows, columns].tolist(), ".4g"),
                Field("predicted", self.predicted[rows, columns].tolist(), ".4g"),
                Field("error", errors[rows, columns].tolist(), ".4g"),
            ],
        )

    def _errors(self, weights: Weights) -> Scores:
        return np.asarray(weights @ np.abs(self.predicted - self.true) / weights.sum(1, keepdims=True), np.float64)

    def _r2(self, weights: Weights) -> Scores:
        """Returns R² of each number, `(resamples, numbers)`; NaN where all true numbers are equal."""
        count, shifted = weights.sum(1, keepdims=True), self.true - self.true.mean(0)  # so that nothing cancels
        squares = weights @ np.square(shifted)
        variance = squares - np.square(weights @ shifted) / count
        is_known = variance > _EQUAL * squares
        squared = weights @ np.square(self.predicted - self.true)
        share = np.divide(squared, variance, out=np.full(squared.shape, np.nan), where=is_known)
        return np.asarray(1 - share, np.float64)


def _table(scores: Sequence[_Number]) -> Table:
    columns = ["number", "abs. error", "95% interval", "R²", "95% interval"]
    rows = [
        [
            one.name,
            _text(one.error),
            _ends(one.error_interval),
            _text(one.r2),
            _ends(one.r2_interval),
        ]
        for one in scores
    ]
    ranks = [2.0 if one.r2 is None else one.r2 for one in scores]
    return Table("numbers", columns, rows, ranks, "those with the lowest R²")


def _figures(found: _Answers, names: Sequence[str]) -> Iterator[tuple[str, tuple[str, Figure]]]:
    caption = "Predicted numbers, upwards, over true ones. On the diagonal both are equal."
    yield "scatter", (caption, Scatter(found.true, found.predicted, names))


def _text(value: float | None) -> str:
    return _NONE if value is None else f"{value:.4g}"


def _ends(found: Sequence[float] | None) -> str:
    return _NONE if found is None else f"{found[0]:.4g} to {found[1]:.4g}"
