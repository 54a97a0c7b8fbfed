"""The interface of an objective."""

import dataclasses
from collections.abc import Callable, Mapping

import keras


@dataclasses.dataclass(frozen=True)
class Objective:
    """The objective for which a network is trained.

    Attributes:
      outputs: the number of units of the last layer.
      loss: the loss, a function of targets and outputs.
      metrics: returns new metrics of targets and outputs besides the loss; call it in the scope of the strategy.
      results: returns new metrics whose values are arrays, which are computed only at the end of a run.
      evaluated: the values of `--metric` that are neither the loss nor among `metrics`. Each returns a new metric, from
        the number of samples that are evaluated; call it in the scope of the strategy.
    """

    outputs: int
    loss: keras.losses.Loss
    metrics: Callable[[], list[keras.metrics.Metric]]
    results: Callable[[], list[keras.metrics.Metric]]
    evaluated: Mapping[str, Callable[[int], keras.metrics.Metric]] = dataclasses.field(default_factory=dict)
