"""Dropout that depends only on the seed, the step and the position in the batch, not on the devices."""

import math
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("trainer")
class Dropout(keras.layers.Layer):
    """Sets a share of its inputs to zero in training, and scales the others so that the expected sum is unchanged.

    Keras's layer draws the same numbers on every replica of a strategy, and other numbers if the batch is split
    differently. In this layer, each replica uses its own rows of the mask of the whole batch, so two machines learn the
    same weights as one. The number of steps is a weight, so a restored model continues with the next mask.

    Source: Srivastava et al., "Dropout", 2014; whole maps: Tompson et al., "Efficient Object Localization Using
    Convolutional Networks", 2015.

    Args:
      rate: the share of inputs set to zero, from 0 to below 1.
      whole_maps: drop all positions of a channel of `(batch, *spatial, channels)` together, as
        `keras.layers.SpatialDropout2D` does.
      seed: the seed of the mask.

    Raises:
      ValueError: `rate` is out of range.
    """

    def __init__(
        self,
        rate: float,
        whole_maps: bool = False,
        seed: int = 0,
        *,
        name: str | None = None,
        dtype: Any = None,
        trainable: bool = True,
    ):
        super().__init__(name=name, dtype=dtype, trainable=trainable)
        if not 0 <= rate < 1:
            raise ValueError(f"`rate` must be at least 0 and below 1. Received: rate={rate}")
        self.rate, self.whole_maps, self.seed = rate, whole_maps, seed

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        # Each replica has its own counter: a shared one would need communication between machines in each step.
        self.step = keras.Variable(
            0,
            dtype="int64",  # int32 is stored in the host's memory, also on a GPU
            trainable=False,
            aggregation="only_first_replica",
            synchronization="on_read",
            name="step",
        )
        self.built = True

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.rate == 0:
            return inputs
        shape = ops.shape(inputs)
        row = [*[1] * (len(shape) - 2), shape[-1]] if self.whole_maps else [*shape[1:]]
        kept, rate = self._kept(shape[0], row)
        self.step.assign_add(1)
        return inputs * (ops.cast(kept, inputs.dtype) / ops.cast(1 - rate, inputs.dtype))

    def _kept(self, count: Any, row: list[Any]) -> tuple[Any, float]:
        """Returns which of this replica's rows of the whole batch are kept, `(count, *row)`, and which share is not."""
        import tensorflow as tf  # a saved network that only classifies needs no TensorFlow

        from trainer.layers import random_numbers

        context = tf.distribute.get_replica_context()
        replica, replicas = (context.replica_id_in_sync_group, context.num_replicas_in_sync) if context else (0, 1)
        rows = count if replicas == 1 and isinstance(count, int) else replica * count + tf.range(count)
        kept, rate = random_numbers.kept(self.rate, self.seed, self.step.value, rows, math.prod(row))
        return tf.reshape(kept, [count, *row]), rate

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "whole_maps": self.whole_maps, "seed": self.seed}
