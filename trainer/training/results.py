"""The loss and the metrics over many batches, summed up on every replica by itself."""

import math
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf


class Results:
    """The mean loss, as `loss`, and metrics that are given labels and the model's outputs.

    Args:
      strategy: which devices sum up.
      metrics: made in the strategy's scope.
      evaluated: metrics of evaluations alone, made in the same scope.
    """

    def __init__(
        self,
        strategy: tf.distribute.Strategy,
        metrics: Sequence[keras.metrics.Metric],
        evaluated: Sequence[keras.metrics.Metric] = (),
    ):
        self._strategy, self._evaluated = strategy, [*evaluated]
        with strategy.scope():
            self._loss = keras.metrics.Mean(name="loss")
        self._metrics = [self._loss, *metrics]
        self._assign = tf.function(self._assign_values, autograph=False)
        self._evaluate = tf.function(lambda: _values(self._evaluated), autograph=False)

    def reset(self) -> None:
        for metric in (*self._metrics, *self._evaluated):
            metric.reset_state()

    def update(self, loss: tf.Tensor, labels: tf.Tensor, outputs: tf.Tensor, weights: tf.Tensor | None = None) -> None:
        """Adds one replica's batch, on that replica.

        Args:
          loss: its mean over the batch, with the weights.
          labels: `(batch,)`.
          outputs: the model's, `(batch, classes)`.
          weights: of the samples, `(batch,)`; None if all are 1.
        """
        samples = tf.shape(labels)[0] if weights is None else tf.reduce_sum(weights)
        self._loss.update_state(loss, sample_weight=samples)
        for metric in self._metrics[1:]:
            metric.update_state(labels, outputs, sample_weight=weights)

    def update_evaluated(self, labels: tf.Tensor, outputs: tf.Tensor) -> None:
        """Adds one replica's batch of an evaluation to the metrics of evaluations alone, on that replica."""
        for metric in self._evaluated:
            metric.update_state(labels, outputs)

    def values(self) -> dict[str, tf.Tensor]:
        """Returns the loss and the metrics over all replicas' batches, without those of evaluations alone."""
        return _values(self._metrics)

    def evaluated(self) -> dict[str, tf.Tensor]:
        """Returns the metrics of evaluations alone over all replicas' batches; to be asked once, after the last one."""
        return self._evaluate() if self._evaluated else {}

    def gather(self) -> tf.Tensor:
        """Returns, on a replica, what all have summed up: `(replicas, values)`, float64."""
        context = tf.distribute.get_replica_context()
        own = [tf.reshape(tf.cast(tf.convert_to_tensor(v), tf.float64), [-1]) for v in self._variables()]
        is_own = tf.range(context.num_replicas_in_sync)[:, None] == context.replica_id_in_sync_group
        row = tf.concat(own, 0)[None]
        return context.all_reduce(tf.distribute.ReduceOp.SUM, tf.where(is_own, row, tf.zeros_like(row)))

    def restore(self, values: np.ndarray) -> np.ndarray:
        """Gives each replica what it had summed up when `values` was gathered; returns what each has now.

        Where there were more replicas or fewer, the first one takes it all.
        """
        replicas = self._strategy.num_replicas_in_sync
        if len(values) != replicas:
            values = np.concatenate([values.sum(0, keepdims=True), np.zeros((replicas - 1, values.shape[1]))])
        self._assign(tf.constant(values))
        return values

    def _assign_values(self, values: tf.Tensor) -> None:
        def assign() -> None:
            row = values[tf.distribute.get_replica_context().replica_id_in_sync_group]
            parts = tf.split(row, [math.prod(variable.shape) for variable in self._variables()])
            for variable, part in zip(self._variables(), parts, strict=True):
                variable.assign(tf.cast(tf.reshape(part, variable.shape), variable.dtype))

        self._strategy.run(assign)

    def _variables(self) -> list[keras.Variable]:
        return [variable for metric in self._metrics for variable in metric.variables]


def _values(metrics: Sequence[keras.metrics.Metric]) -> dict[str, tf.Tensor]:
    return {metric.name: metric.result() for metric in metrics}
