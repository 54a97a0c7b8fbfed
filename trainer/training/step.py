"""One step of a training, and of an evaluation, on one replica."""

import contextlib
from collections.abc import Callable

import keras
import tensorflow as tf

from trainer.training import gradients, pooling
from trainer.training.results import Results

Forward = Callable[..., tf.Tensor]  # from a batch's samples, and `training`, to the model's outputs


class Step:
    """Computes a model's steps.

    Args:
      model: compiled with its optimizer and its loss, in the scope of the strategy.
      strategy: which devices train. Each takes its part of every batch, and the gradient is that of the whole batch.
      results: sums up the loss and the metrics.
      forward: computes the model's outputs, or a part of it does, from what a part below it gives; by default the
        model itself, from samples.
      is_compiled: whether XLA compiles the steps.
    """

    def __init__(
        self,
        model: keras.Model,
        strategy: tf.distribute.Strategy,
        results: Results,
        forward: Forward | None = None,
        *,
        is_compiled: bool = False,
    ):
        self.model, self.strategy, self.results, self.is_compiled = model, strategy, results, is_compiled
        self._outputs = forward or model

    def train(self, samples: tf.Tensor, targets: tf.Tensor, last: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the loss over the whole batch and, of the last step, each variable's squared gradient norm."""
        optimizer, variables = self.model.optimizer, self.model.trainable_variables
        with tf.GradientTape() as tape:
            loss, outputs = self._forward(samples, targets, training=True)
            scaled = optimizer.scale_loss(loss)
        found = tape.gradient(scaled, variables)
        optimizer.apply(found, variables)
        self.results.update(loss * self.strategy.num_replicas_in_sync, targets, outputs)
        loss = tf.cast(tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, loss), tf.float32)
        unscale = self.strategy.num_replicas_in_sync / optimizer.scale_loss(1.0)
        squares = tf.cond(
            tf.logical_or(last, ~tf.math.is_finite(loss)),
            lambda: tf.stack([gradients.square(gradient) * unscale**2 for gradient in found]),
            lambda: tf.zeros(len(variables)),
        )
        return loss, squares

    def evaluate(self, samples: tf.Tensor, targets: tf.Tensor) -> None:
        """Adds a batch to the results."""
        loss, outputs = self._forward(samples, targets, training=False)
        self.results.update(loss * self.strategy.num_replicas_in_sync, targets, outputs)

    def _forward(self, samples: tf.Tensor, targets: tf.Tensor, training: bool) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns this replica's mean loss, which Keras has divided by the number of replicas, and the outputs."""
        with pooling.compiled(self.model) if self.is_compiled else contextlib.nullcontext():
            outputs = tf.cast(self._outputs(samples, training=training), tf.float32)
        return self.model.compute_loss(samples, targets, outputs, training=training), outputs
