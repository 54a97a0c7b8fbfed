"""The steps of a training as graphs: many of them in one call, on one device or on many."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from trainer.training import gradients
from trainer.training.results import Results

Ran = Mapping[str, Any]  # what one call returns
Forward = Callable[..., tf.Tensor]  # from a batch's samples, and `training`, to the model's outputs


class Steps:
    """Runs a model's steps.

    Args:
      model: compiled with its optimizer and its loss, in the scope of the strategy.
      strategy: which devices train. Each takes its part of every batch, and the gradient is that of the whole batch.
      results: sums up the loss and the metrics.
      forward: computes the model's outputs, or a part of it does, from what a part below it gives; by default the
        model itself, from samples.
    """

    def __init__(
        self,
        model: keras.Model,
        strategy: tf.distribute.Strategy,
        results: Results,
        forward: Forward | None = None,
    ):
        self._model, self._strategy, self._results = model, strategy, results
        self._outputs = forward or model
        self.train = tf.function(self._train, reduce_retracing=True)
        self.evaluate = tf.function(self._evaluate, reduce_retracing=True)

    def _train(self, iterator: Any, steps: tf.Tensor, loss: tf.Tensor, stopping: tf.Tensor) -> Ran:
        """Runs some steps, or those up to the first whose loss is not finite.

        Args:
          iterator: gives the batches.
          steps: how many.
          loss: of the step before.
          stopping: 1 where this machine is to stop.
        """
        begin, done, former, waited = tf.timestamp(), 0, loss, tf.constant(0.0, tf.float64)
        squares = tf.zeros(len(self._model.trainable_variables))
        while done < steps and tf.math.is_finite(loss):
            former = loss
            with tf.control_dependencies([loss]):
                asked = tf.timestamp()
            with tf.control_dependencies([asked]):
                batch = next(iterator)
            with tf.control_dependencies(tf.nest.flatten(batch, expand_composites=True)):
                waited += tf.timestamp() - asked
            done += 1
            loss, squares = self._first(self._strategy.run(self._train_step, (*batch, done == steps)))
        with tf.control_dependencies([loss]):
            seconds = tf.cast(tf.timestamp() - begin, tf.float32)
        # Every machine must get the same values, or they would not agree on how many steps are next.
        shared = self._strategy.run(_mean_over_replicas, ((seconds, squares, stopping),))
        seconds, squares, stopping = self._first(shared)
        return {
            "steps": done,
            "loss": loss,
            "former": former,
            "squares": squares,
            "seconds": seconds,
            "waited": waited,
            "stopping": stopping,
            "results": self._results.values(),
            "metrics": self._first(self._strategy.run(self._results.gather)),
        }

    def _train_step(self, samples: tf.Tensor, targets: tf.Tensor, last: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the loss over the whole batch and, of the last step, each variable's squared gradient norm."""
        optimizer, variables = self._model.optimizer, self._model.trainable_variables
        with tf.GradientTape() as tape:
            loss, outputs = self._forward(samples, targets, training=True)
            scaled = optimizer.scale_loss(loss)
        found = tape.gradient(scaled, variables)
        optimizer.apply(found, variables)
        self._results.update(loss * self._strategy.num_replicas_in_sync, targets, outputs)
        loss = tf.cast(tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, loss), tf.float32)
        unscale = self._strategy.num_replicas_in_sync / optimizer.scale_loss(1.0)
        squares = tf.cond(
            tf.logical_or(last, ~tf.math.is_finite(loss)),
            lambda: tf.stack([gradients.square(gradient) * unscale**2 for gradient in found]),
            lambda: tf.zeros(len(variables)),
        )
        return loss, squares

    def _evaluate(self, iterator: Any, steps: tf.Tensor, stopping: tf.Tensor) -> Ran:
        begin = tf.timestamp()
        for _ in tf.range(steps):
            self._strategy.run(self._evaluate_step, next(iterator))
        results = self._results.values()
        with tf.control_dependencies(list(results.values())):
            seconds = tf.cast(tf.timestamp() - begin, tf.float32)
        seconds, stopping = self._first(self._strategy.run(_mean_over_replicas, ((seconds, stopping),)))
        return {"seconds": seconds, "stopping": stopping, "results": results}

    def _evaluate_step(self, samples: tf.Tensor, targets: tf.Tensor) -> None:
        loss, outputs = self._forward(samples, targets, training=False)
        self._results.update(loss * self._strategy.num_replicas_in_sync, targets, outputs)

    def _forward(self, samples: tf.Tensor, targets: tf.Tensor, training: bool) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns this replica's mean loss, which Keras has divided by the number of replicas, and the outputs."""
        outputs = tf.cast(self._outputs(samples, training=training), tf.float32)
        return self._model.compute_loss(samples, targets, outputs, training=training), outputs

    def _first(self, values: Any) -> Any:
        """Returns one replica's of some values that all replicas share."""
        return tf.nest.map_structure(lambda value: self._strategy.experimental_local_results(value)[0], values)


def _mean_over_replicas(values: Any) -> Any:
    own = tf.nest.map_structure(tf.identity, values)  # on the replica's device, which the exchange asks for
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, own)
