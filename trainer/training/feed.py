"""What gives each step its batch."""

import dataclasses
from collections.abc import Callable
from typing import Any

import tensorflow as tf

# Samples and targets. If an epoch ends with a part batch, also how many of the replica's rows, from the first on, are
# trained on, int64; the others are real samples too, which fill the batch.
Batch = tuple[tf.Tensor, ...]
Batches = Callable[[tf.distribute.InputContext], tf.data.Dataset]


def _as_it_is(held: Any, *element: tf.Tensor) -> Batch:
    return element


@dataclasses.dataclass(frozen=True)
class Numbered:
    """Batches that follow from their numbers and from what the device holds: a program makes them without a pipeline.

    Attributes:
      held: returns what the device holds for the batch of a number, and for how many from that number on it serves. It
        is asked for numbers that do not fall.
      batch: from that, a batch's number, int64, and its number of rows, its samples and targets.
      rows: of every batch but, maybe, the last.
      rest: rows of one more batch, which ends the feed; 0 where there is none.
    """

    held: Callable[[int], tuple[Any, int]]
    batch: Callable[[Any, tf.Tensor, int], Batch]
    rows: int
    rest: int = 0


@dataclasses.dataclass(frozen=True)
class Feed:
    """Batches of samples and targets for the replicas of a strategy: the same ones at each call, on any devices.

    Attributes:
      batches: makes, for an input pipeline, one element for each of its replicas in turn: of samples and targets, or of
        what `take` makes them of.
      steps: how many elements each replica has.
      held: what each replica's device holds for `take`; see `trainer.training.devices.held`.
      take: from what a replica's device holds and from an element, that replica's samples and targets.
      numbered: the same batches by their numbers, where one device has them all.
    """

    batches: Batches
    steps: int
    held: Any = ()
    take: Callable[..., Batch] = _as_it_is
    numbered: Numbered | None = None
