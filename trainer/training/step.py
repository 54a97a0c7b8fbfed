"""One step of a training, and of an evaluation, on one replica."""

import contextlib
from collections.abc import Callable

import keras
import tensorflow as tf

from trainer.training import gradients, mixing, pooling
from trainer.training.mixing import Mixing
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
      mixing: how training samples are blended in pairs; None where they are not.
    """

    def __init__(
        self,
        model: keras.Model,
        strategy: tf.distribute.Strategy,
        results: Results,
        forward: Forward | None = None,
        *,
        is_compiled: bool = False,
        mixing: Mixing | None = None,
    ):
        self.model, self.strategy, self.results, self.is_compiled = model, strategy, results, is_compiled
        self._outputs, self._mixing = forward or model, mixing

    def train(self, samples: tf.Tensor, targets: tf.Tensor, last: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the loss over the whole batch and, of the last step, each variable's squared gradient norm."""
        optimizer, variables = self.model.optimizer, self.model.trainable_variables
        share = self._mixing.share(optimizer.iterations) if self._mixing else None
        with tf.GradientTape() as tape:
            loss, outputs = self._forward(samples, targets, training=True, share=share)
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

    def _forward(
        self, samples: tf.Tensor, targets: tf.Tensor, training: bool, share: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns this replica's mean loss, which Keras has divided by the number of replicas, and the outputs.

        Args:
          samples: this replica's rows of a batch.
          targets: theirs.
          training: whether the model learns from them.
          share: of each sample in its blend with its partner; None where they are not blended.
        """
        if share is not None:
            samples = mixing.blend(samples, share)
        with pooling.compiled(self.model) if self.is_compiled else contextlib.nullcontext():
            outputs = tf.cast(self._outputs(samples, training=training), tf.float32)
        loss = self.model.compute_loss(samples, targets, outputs, training=training)
        if share is not None:
            partners = mixing.partners(targets)
            loss = mixing.mean(loss, self.model.compute_loss(samples, partners, outputs, training=training), share)
        return loss, outputs
