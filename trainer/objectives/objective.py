"""What the numbers of a network's last layer mean."""

import dataclasses
from collections.abc import Callable

import keras


@dataclasses.dataclass(frozen=True)
class Objective:
    """What a network is trained for.

    Attributes:
      outputs: how many numbers the last layer gives for one sample.
      loss: of targets and outputs.
      metrics: makes the metrics that are computed beside the loss, of targets and outputs; to be called in the scope of
        the strategy that trains.
      results: makes the metrics whose values are arrays, computed at the end of a run alone.
    """

    outputs: int
    loss: keras.losses.Loss
    metrics: Callable[[], list[keras.metrics.Metric]]
    results: Callable[[], list[keras.metrics.Metric]]
