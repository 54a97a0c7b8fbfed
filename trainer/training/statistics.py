"""Batch normalisation whose moving statistics are those of the present weights.

Keras's moving averages follow with a momentum of 0.99: after 40 steps two thirds of what they were initialised with is
left. Here they become the plain mean over some training batches before the network is evaluated. Source: Wu and
Johnson, Rethinking "Batch" in BatchNorm, 2021, section 3.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from trainer.training.feed import Feed
from trainer.training.step import Forward

SAMPLES = 2048  # at most, of one settling; the source has seen no gain from more than 1,000 to 10,000


def layers(model: keras.Model) -> list[keras.layers.BatchNormalization]:
    """Returns the layers whose statistics follow the training, in nested models too; those that are frozen do not."""
    found = model._flatten_layers(include_self=False, recursive=True)
    return [layer for layer in found if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable]


class Statistics:
    """Settles the statistics of a model's batch normalisation.

    Args:
      model: in the scope of the strategy.
      forward: computes the model's outputs from a batch of the feed.
      strategy: which devices train; the statistics are those of the whole batch.

    Attributes:
      layers: whose statistics these are.
    """

    def __init__(self, model: keras.Model, forward: Forward, strategy: tf.distribute.Strategy):
        self.layers, self._forward, self._strategy = layers(model), forward, strategy
        for layer in self.layers:
            layer.synchronized = strategy.num_replicas_in_sync > 1
        settled = {id(one) for layer in self.layers for one in (layer.moving_mean, layer.moving_variance)}
        learned = {id(one) for one in model.trainable_variables}
        self._others = [one for one in model.variables if id(one) not in settled | learned]
        self._run = tf.function(self._settle, reduce_retracing=True, autograph=False)

    def settle(self, feed: Feed, iterator: Any, steps: int) -> None:
        """Makes the moving statistics the mean over some batches, and leaves all other state as it is.

        Args:
          feed: which has these batches.
          iterator: gives its elements, from the first of them on.
          steps: how many these are.
        """
        self._run(feed.take, feed.held, iterator, tf.constant(steps))

    def _settle(self, take: Callable[..., Any], held: Any, iterator: Any, steps: tf.Tensor) -> None:
        others = [tf.identity(one.value) for one in self._others]  # such as the seeds of a dropout

        def step(index: tf.Tensor) -> tuple[tf.Tensor]:
            done = tf.cast(index, tf.float32)
            with _momentum(self.layers, done / (done + 1.0)):
                self._strategy.run(self._update, (take, held, next(iterator)))
            return (index + 1,)

        tf.while_loop(lambda index: index < steps, step, (tf.constant(0),))
        for one, value in zip(self._others, others, strict=True):
            one.assign(value)

    def _update(self, take: Callable[..., Any], held: Any, element: Any) -> None:
        samples, *_ = take(held, *element)
        self._forward(samples, training=True)


@contextlib.contextmanager
def _momentum(layers: Sequence[keras.layers.BatchNormalization], value: tf.Tensor) -> Iterator[None]:
    former = [layer.momentum for layer in layers]
    try:
        for layer in layers:
            layer.momentum = value
        yield
    finally:
        for layer, momentum in zip(layers, former, strict=True):
            layer.momentum = momentum
