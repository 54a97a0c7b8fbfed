"""What a run trains: a model, and the stages in which its layers learn."""

import dataclasses
from collections.abc import Sequence

import keras


@dataclasses.dataclass(frozen=True)
class Stage:
    """A part of the training in which the same layers learn.

    Attributes:
      epochs: how long it takes.
      rate: the share of the run's learning rate with which its layers learn.
      trainable: names of the layers that learn, as `trainer.insight.graph.walk` has them: of one in a nested model
        that model's and a slash come first, as in `backbone/conv1`. None for all of them.
    """

    epochs: int
    rate: float = 1.0
    trainable: Sequence[str] | None = None


@dataclasses.dataclass(frozen=True)
class Network:
    """An untrained model and how it is to be trained.

    Attributes:
      model: a Sequential or functional model from raw samples, `(batch, *sizes, channels)`, to float32 outputs,
        `(batch, outputs)`, before any softmax or sigmoid.
      stages: in their order; most networks have one.
      notes: lines that a person should read, such as which head was replaced.
    """

    model: keras.Model
    stages: tuple[Stage, ...]
    notes: tuple[str, ...] = ()
