"""The figures of an evaluation as pictures."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from trainer.objectives.evaluation.result import Bars, Figure, Matrix, Reliability, Scatter
from trainer.tensorboard.draw import reliability, results, results_of_labels, results_of_numbers, sheets
from trainer.tensorboard.draw.sheets import Picture

_IN_ROW = 3


def pictures(figure: Figure) -> list[Picture]:
    """Returns the pictures of a figure, one or more."""
    return _DRAWN[type(figure)](figure)


def sheet(drawn: Sequence[Picture]) -> Picture:
    """Returns the pictures of a figure as one."""
    return drawn[0] if len(drawn) == 1 else sheets.rows(drawn, _IN_ROW)


def _matrix(figure: Matrix) -> list[Picture]:
    return [results.confusion_matrix(figure.counts, figure.names)]


def _reliability(figure: Reliability) -> list[Picture]:
    return [
        reliability.diagram([dataclasses.astuple(one) for one in bins], title, figure.across, figure.up)
        for title, bins in figure.panels
    ]


def _bars(figure: Bars) -> list[Picture]:
    return [results_of_labels.bars(figure.counts, figure.names, figure.samples, figure.limits)]


def _scatter(figure: Scatter) -> list[Picture]:
    return [*results_of_numbers.pictures(figure.true, figure.predicted, figure.names).values()]


_DRAWN: dict[type, Callable[[Any], list[Picture]]] = {
    Matrix: _matrix,
    Reliability: _reliability,
    Bars: _bars,
    Scatter: _scatter,
}
