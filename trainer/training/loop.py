"""The training loop: steps, epochs, and the Keras callbacks around them; on one device or on many."""

import dataclasses
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from trainer.errors import DivergedError

_CALL_SECONDS = 0.25  # of steps in one call of the graph: the screen moves, and the call's own cost is not felt

Batches = Callable[[tf.distribute.InputContext], tf.data.Dataset]


@dataclasses.dataclass(frozen=True)
class Part:
    """Labelled images to evaluate, such as the validation part.

    Attributes:
      batches: for an input pipeline, its replicas' elements in turn.
      steps: how many elements each replica has.
    """

    batches: Batches
    steps: int


class Loop:
    """Trains a classifier, many steps in one call of a graph.

    Callbacks are Keras's own: they get `on_train_begin`, `on_epoch_begin`, `on_train_batch_end` (after each call, with
    the last step's index in its epoch), `on_epoch_end` and `on_train_end`, and stop the training by
    `model.stop_training`. The logs hold `loss` and the metrics, means over the epoch; `gradient_norm`, the last step's
    on one replica, on average over the replicas; `input_wait`, the share of the time that a step waited for its batch;
    and, after an epoch, `val_loss` and the other validation results.

    Args:
      model: compiled with its optimizer and its loss, in the scope of the strategy.
      strategy: which devices train. Each takes its part of every batch, and the gradient is that of the whole batch.
      metrics: made in the same scope; they are given labels and the model's outputs.
    """

    def __init__(self, model: keras.Model, strategy: tf.distribute.Strategy, metrics: Sequence[keras.metrics.Metric]):
        self._model, self._strategy = model, strategy
        with strategy.scope():
            self._loss = keras.metrics.Mean(name="loss")
        self._metrics = list(metrics)
        self._last_loss = tf.constant(0.0)
        self._train = tf.function(self._train_steps, reduce_retracing=True)
        self._evaluate = tf.function(self._evaluate_steps, reduce_retracing=True)
        self._steps_per_call = 1

    def fit(
        self,
        batches: Batches,
        validation: Part,
        steps_per_epoch: int,
        epochs: range,
        callbacks: Sequence[keras.callbacks.Callback],
    ) -> None:
        """Trains for some epochs, each followed by a look at the validation part.

        Args:
          batches: for an input pipeline, at least `steps_per_epoch` elements for each of its replicas and each epoch.
          validation: the validation part.
          steps_per_epoch: steps in one epoch.
          epochs: which epochs these are; a resumed run does not begin with 0.
          callbacks: told of every event.

        Raises:
          DivergedError: the loss is not finite.
        """
        events = keras.callbacks.CallbackList(
            list(callbacks), model=self._model, epochs=epochs.stop, steps=steps_per_epoch
        )
        iterator = iter(self._strategy.distribute_datasets_from_function(batches))
        self._model.stop_training = False
        events.on_train_begin()
        for epoch in epochs:
            events.on_epoch_begin(epoch)
            logs = self._run_epoch(iterator, epoch, steps_per_epoch, events)
            logs |= {f"val_{name}": value for name, value in self.evaluate(validation).items()}
            events.on_epoch_end(epoch, logs)
            if self._model.stop_training:
                break
        events.on_train_end()

    def evaluate(self, part: Part) -> dict[str, float]:
        """Returns `loss` and the metrics over every image."""
        self._reset()
        iterator = iter(self._strategy.distribute_datasets_from_function(part.batches))
        return _floats(self._evaluate(iterator, tf.constant(part.steps)))

    def _run_epoch(
        self, iterator: Any, epoch: int, steps_per_epoch: int, events: keras.callbacks.CallbackList
    ) -> dict[str, float]:
        self._reset()
        done, waited, begin = 0, 0.0, time.perf_counter()
        logs: dict[str, float] = {}
        while done < steps_per_epoch:
            steps = min(self._steps_per_call, steps_per_epoch - done)
            ran = self._train(iterator, tf.constant(steps), self._last_loss)
            done, waited = done + int(ran["steps"]), waited + float(ran["waited"])
            squares, self._last_loss = ran["squares"].numpy(), ran["loss"]
            if not math.isfinite(ran["loss"]):
                step, norms = epoch * steps_per_epoch + done, _norms(squares, self._model.trainable_variables)
                finite = (logs | {"loss": float(ran["former"])}) if step > 1 else {}
                raise DivergedError(_describe(float(ran["loss"]), step, finite, norms))
            logs = _floats(ran["results"]) | {
                "gradient_norm": math.sqrt(squares.sum()),
                "input_wait": waited / (time.perf_counter() - begin),
            }
            events.on_train_batch_end(done - 1, dict(logs))
            fitting = _CALL_SECONDS * steps / float(ran["seconds"])
            self._steps_per_call = max(1, min(2 * self._steps_per_call, round(fitting)))
        return logs

    def _train_steps(self, iterator: Any, steps: tf.Tensor, loss: tf.Tensor) -> dict[str, Any]:
        """Runs some steps, or those up to the first whose loss is not finite."""
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
        # Every machine must hear the same, or they would not agree on how many steps are next.
        seconds, squares = self._first(self._strategy.run(_mean_over_replicas, ((seconds, squares),)))
        return {
            "steps": done,
            "loss": loss,
            "former": former,
            "squares": squares,
            "seconds": seconds,
            "waited": waited,
            "results": self._results(),
        }

    def _train_step(self, images: tf.Tensor, labels: tf.Tensor, last: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the loss over the whole batch and, of the last step, each variable's squared gradient norm."""
        optimizer, variables = self._model.optimizer, self._model.trainable_variables
        with tf.GradientTape() as tape:
            loss, logits = self._forward(images, labels, training=True)
            scaled = optimizer.scale_loss(loss)
        gradients = tape.gradient(scaled, variables)
        optimizer.apply(gradients, variables)
        self._update(loss, labels, logits)
        loss = tf.cast(tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, loss), tf.float32)
        unscale = self._strategy.num_replicas_in_sync / optimizer.scale_loss(1.0)
        squares = tf.cond(
            tf.logical_or(last, ~tf.math.is_finite(loss)),
            lambda: tf.stack([_square(gradient) * unscale**2 for gradient in gradients]),
            lambda: tf.zeros(len(variables)),
        )
        return loss, squares

    def _evaluate_steps(self, iterator: Any, steps: tf.Tensor) -> dict[str, tf.Tensor]:
        for _ in tf.range(steps):
            self._strategy.run(self._evaluate_step, next(iterator))
        return self._results()

    def _evaluate_step(self, images: tf.Tensor, labels: tf.Tensor) -> None:
        loss, logits = self._forward(images, labels, training=False)
        self._update(loss, labels, logits)

    def _forward(self, images: tf.Tensor, labels: tf.Tensor, training: bool) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns this replica's mean loss, which Keras has divided by the number of replicas, and the logits."""
        logits = self._model(images, training=training)
        return self._model.compute_loss(images, labels, logits, training=training), logits

    def _update(self, loss: tf.Tensor, labels: tf.Tensor, logits: tf.Tensor) -> None:
        own_loss = loss * self._strategy.num_replicas_in_sync
        self._loss.update_state(own_loss, sample_weight=tf.shape(labels)[0])
        for metric in self._metrics:
            metric.update_state(labels, logits)

    def _reset(self) -> None:
        for metric in (self._loss, *self._metrics):
            metric.reset_state()

    def _results(self) -> dict[str, tf.Tensor]:
        return {metric.name: metric.result() for metric in (self._loss, *self._metrics)}

    def _first(self, values: Any) -> Any:
        """Returns one replica's of some values that all replicas share."""
        return tf.nest.map_structure(lambda value: self._strategy.experimental_local_results(value)[0], values)


def _mean_over_replicas(values: Any) -> Any:
    own = tf.nest.map_structure(tf.identity, values)  # on the replica's device, which the exchange asks for
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, own)


def _square(gradient: tf.Tensor | tf.IndexedSlices | None) -> tf.Tensor:
    """Returns the sum of a gradient's squares; 0 where a variable has none."""
    if gradient is None:
        return tf.constant(0.0)
    values = gradient.values if isinstance(gradient, tf.IndexedSlices) else gradient
    return tf.reduce_sum(tf.square(tf.cast(values, tf.float32)))


def _norms(squares: Sequence[float], variables: Sequence[keras.Variable]) -> dict[str, float]:
    """Returns the gradient norm of each layer, from each of its variables' squares."""
    sums: dict[str, float] = {}
    for square, variable in zip(squares, variables, strict=True):
        layer = variable.path.split("/")[-2]
        sums[layer] = sums.get(layer, 0.0) + float(square)
    return {layer: math.sqrt(total) for layer, total in sums.items()}


def _describe(loss: float, step: int, finite: dict[str, float], norms: dict[str, float]) -> str:
    before, layers = (", ".join(f"{name} {value:.4g}" for name, value in values.items()) for values in (finite, norms))
    return f"the loss is {loss} at step {step}; gradient norms: {layers}{'; before: ' if before else ''}{before}"


def _floats(results: dict[str, tf.Tensor]) -> dict[str, float]:
    return {name: float(value) for name, value in results.items()}
