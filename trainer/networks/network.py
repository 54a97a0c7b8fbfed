"""What a run trains: a model, and the stages of its training."""

import dataclasses
from collections.abc import Sequence

import keras


@dataclasses.dataclass(frozen=True)
class Stage:
    """A stage of the training, in which the same layers are trainable.

    Attributes:
      epochs: the number of epochs.
      rate: the factor of the run's learning rate.
      trainable: the names of the trainable layers, as in `trainer.insight.graph.walk`. The name of a layer in a nested
        model starts with that model's name and a slash, as in `backbone/conv1`. None means all layers.
    """

    epochs: int
    rate: float = 1.0
    trainable: Sequence[str] | None = None


@dataclasses.dataclass(frozen=True)
class Network:
    """A model and the stages of its training.

    Attributes:
      model: a Sequential or functional model from raw samples, `(batch, *sizes, channels)`, to float32 outputs,
        `(batch, outputs)`, without a softmax or sigmoid.
      stages: the stages in order; most networks have one.
      notes: lines to print, for example that a head was replaced.
    """

    model: keras.Model
    stages: tuple[Stage, ...]
    notes: tuple[str, ...] = ()
