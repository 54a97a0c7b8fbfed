"""The interface of an objective."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy.typing as npt

from trainer.objectives.outputs import Measured, Outputs

Arrays = Mapping[str, npt.NDArray[Any]]


@dataclasses.dataclass(frozen=True)
class Objective:
    """The objective for which a network is trained.

    Attributes:
      outputs: the number of units of the last layer.
      loss: the loss, a function of targets and outputs.
      metrics: returns new metrics of targets and outputs besides the loss; call it in the scope of the strategy.
      results: returns new metrics whose values are arrays, which are computed only at the end of a run.
      meaning: returns what the outputs mean, at the end of the run from the results of the validation part; they are
        empty before.
      needs_validation: whether `meaning` needs these results.
      measured: returns what the results of the test part say; None for classes, whose accuracy and confusion matrix
        the card itself describes.
      finished: returns a network that gives outputs in their own unit.
      keeps_targets: whether a turned, shifted or scaled sample has the same target.
      evaluated: the values of `--metric` that are neither the loss nor among `metrics`. Each returns a new metric, from
        the number of samples that are evaluated; call it in the scope of the strategy.
    """

    outputs: int
    loss: keras.losses.Loss
    metrics: Callable[[], list[keras.metrics.Metric]]
    results: Callable[[], list[keras.metrics.Metric]]
    meaning: Callable[[Arrays], Outputs]
    needs_validation: bool = False
    measured: Callable[[Arrays, Outputs], Measured] | None = None
    finished: Callable[[keras.Model], keras.Model] = lambda model: model
    keeps_targets: bool = True
    evaluated: Mapping[str, Callable[[int], keras.metrics.Metric]] = dataclasses.field(default_factory=dict)
