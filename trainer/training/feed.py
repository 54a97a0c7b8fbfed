"""What gives each step its batch."""

import dataclasses
from collections.abc import Callable

import tensorflow as tf

Batches = Callable[[tf.distribute.InputContext], tf.data.Dataset]


@dataclasses.dataclass(frozen=True)
class Feed:
    """Batches of samples and targets for the replicas of a strategy: the same ones at each call, on any devices.

    Attributes:
      batches: makes, for an input pipeline, one element for each of its replicas in turn.
      steps: how many elements each replica has.
    """

    batches: Batches
    steps: int
