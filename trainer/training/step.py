"""One step of a training, and of an evaluation, on one replica."""

import contextlib
from collections.abc import Callable

import keras
import tensorflow as tf

from trainer.training import gradients, mixing, pooling
from trainer.training.mixing import Mixing
from trainer.training.results import Results
from trainer.training.rows import Rows

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
      is_cut: whether the rows that only fill a part batch are left out; see `Rows`.
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
        is_cut: bool = False,
        mixing: Mixing | None = None,
    ):
        self.model, self.strategy, self.results, self.is_compiled = model, strategy, results, is_compiled
        self._outputs, self._is_cut, self._mixing = forward or model, is_cut, mixing

    def train(
        self, samples: tf.Tensor, targets: tf.Tensor, last: tf.Tensor, count: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the mean loss over the whole batch and, of the last step, each variable's squared gradient norm.

        Every sample of an epoch has the same weight: the gradient is that of the sum of the samples' losses, divided by
        the size of a full batch, in a part batch too. The mean over a part batch, which Keras's `fit` takes, would give
        its samples more weight the fewer they are. Adam keeps the weights equal: its first moment adds up gradients,
        and its second one is a mean over 1,000 steps. Source: "Custom training with tf.distribute.Strategy",
        https://www.tensorflow.org/tutorials/distribute/custom_training, which divides by the global batch size.

        Args:
          samples: this replica's rows of the batch.
          targets: theirs.
          last: whether the squared norms are wanted.
          count: how many of the rows, from the first on, are trained on; None for all. The others only fill the batch.
        """
        optimizer, variables = self.model.optimizer, self.model.trainable_variables
        rows = None if count is None else Rows(tf.shape(samples)[0], count, self.strategy, self._is_cut)
        if rows:
            samples, targets = rows.of(samples), rows.of(targets)
        share = self._mixing.share(optimizer.iterations) if self._mixing else None
        with tf.GradientTape() as tape:
            weights = rows.loss_weights() if rows else None
            loss, outputs = self._forward(samples, targets, weights, training=True, share=share)
            scaled = optimizer.scale_loss(loss)
        penalty = self._penalty() if rows else 0.0  # before the weights change
        found = tape.gradient(scaled, variables)
        optimizer.apply(found, variables)
        own = loss * self.strategy.num_replicas_in_sync
        loss = tf.cast(tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, loss), tf.float32)
        unscale = (self.strategy.num_replicas_in_sync / optimizer.scale_loss(1.0)) ** 2
        if rows:  # means over what is trained on, in place of means over all rows
            own = penalty + (tf.cast(own, tf.float32) - penalty) * rows.own_ratio()
            loss = penalty + (loss - penalty) * rows.ratio()
            unscale *= rows.own_ratio() * rows.ratio()
        self.results.update(own, targets, outputs, rows.metric_weights() if rows else None)
        squares = tf.cond(
            tf.logical_or(last, ~tf.math.is_finite(loss)),
            lambda: tf.stack([gradients.square(gradient) * unscale for gradient in found]),
            lambda: tf.zeros(len(variables)),
        )
        return loss, squares

    def _penalty(self) -> tf.Tensor:
        """Returns the part of the loss that belongs to no row: of the weights, for example."""
        return tf.add_n([0.0, *(tf.cast(tf.reduce_sum(one), tf.float32) for one in self.model.losses)])

    def evaluate(self, samples: tf.Tensor, targets: tf.Tensor) -> None:
        """Adds a batch to the results."""
        loss, outputs = self._forward(samples, targets, None, training=False)
        self.results.update(loss * self.strategy.num_replicas_in_sync, targets, outputs)
        self.results.update_evaluated(targets, outputs)

    def _forward(
        self,
        samples: tf.Tensor,
        targets: tf.Tensor,
        weights: tf.Tensor | None,
        *,
        training: bool,
        share: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns this replica's mean loss, which Keras has divided by the number of replicas, and the outputs.

        The weighted sum is divided by the number of rows, whatever the weights.

        Args:
          samples: this replica's rows of a batch.
          targets: theirs.
          weights: theirs; None for weights of 1.
          training: whether the model learns from them.
          share: of each sample in its blend with its partner; None where they are not blended.
        """
        if share is not None:
            samples = mixing.blend(samples, share)
        with pooling.compiled(self.model) if self.is_compiled else contextlib.nullcontext():
            outputs = tf.cast(self._outputs(samples, training=training), tf.float32)
        loss = self.model.compute_loss(samples, targets, outputs, weights, training=training)
        if share is not None:
            others = mixing.partners(targets)
            loss = mixing.mean(
                loss, self.model.compute_loss(samples, others, outputs, weights, training=training), share
            )
        return loss, outputs
