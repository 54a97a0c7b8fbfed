"""The training loop: steps, epochs, and the Keras callbacks around them."""

import math
import time
from collections.abc import Iterable, Iterator

import keras
import tensorflow as tf

from trainer.errors import DivergedError

_CALL_SECONDS = 0.25  # of steps in one call of the graph: the screen moves, and the call's own cost is not felt

Batch = tuple[tf.Tensor, tf.Tensor]


class Loop:
    """Trains a classifier whose outputs are logits, many steps in one call of a graph.

    Callbacks are Keras's own: they get `on_train_begin`, `on_epoch_begin`, `on_train_batch_end` (after each call, with
    the last step's index in its epoch), `on_epoch_end` and `on_train_end`, with `loss`, `accuracy`, `val_loss` and
    `val_accuracy` in the logs, and stop the training by `model.stop_training`.

    Args:
      model: a model that was compiled with its optimizer and its loss.
    """

    def __init__(self, model: keras.Model):
        self._model = model
        self._loss = keras.metrics.Mean(name="loss")
        self._accuracy = keras.metrics.SparseCategoricalAccuracy(name="accuracy")
        self._train = tf.function(self._train_steps, reduce_retracing=True)
        self._evaluate = tf.function(self._evaluate_all, reduce_retracing=True)
        self._steps_per_call = 1

    def fit(
        self,
        batches: Iterable[Batch],
        validation: tf.data.Dataset,
        steps_per_epoch: int,
        epochs: range,
        callbacks: list[keras.callbacks.Callback],
    ) -> None:
        """Trains for some epochs, each followed by a look at the validation part.

        Args:
          batches: at least `steps_per_epoch` batches for each epoch.
          validation: the batches of the validation part.
          steps_per_epoch: steps in one epoch.
          epochs: which epochs these are; a resumed run does not begin with 0.
          callbacks: told of every event.

        Raises:
          DivergedError: the loss is not finite.
        """
        events = keras.callbacks.CallbackList(callbacks, model=self._model, epochs=epochs.stop, steps=steps_per_epoch)
        iterator = iter(batches)
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

    def evaluate(self, dataset: tf.data.Dataset) -> dict[str, float]:
        """Returns `loss` and `accuracy` over every image of a data set."""
        self._reset()
        self._evaluate(dataset)
        return self._results()

    def _run_epoch(
        self, iterator: Iterator[Batch], epoch: int, steps_per_epoch: int, events: keras.callbacks.CallbackList
    ) -> dict[str, float]:
        self._reset()
        done = 0
        while done < steps_per_epoch:
            steps = min(self._steps_per_call, steps_per_epoch - done)
            begin = time.perf_counter()
            loss = float(self._train(iterator, tf.constant(steps)))
            per_step = (time.perf_counter() - begin) / steps
            done += steps
            if not math.isfinite(loss):
                raise DivergedError(f"the loss is {loss} at step {epoch * steps_per_epoch + done}")
            events.on_train_batch_end(done - 1, self._results())
            self._steps_per_call = max(1, min(2 * self._steps_per_call, round(_CALL_SECONDS / per_step)))
        return self._results()

    def _train_steps(self, iterator: Iterator[Batch], steps: tf.Tensor) -> tf.Tensor:
        loss = tf.constant(math.nan)
        for _ in tf.range(steps):
            images, labels = next(iterator)
            with tf.GradientTape() as tape:
                logits = self._model(images, training=True)
                loss = self._model.compute_loss(images, labels, logits)
            variables = self._model.trainable_variables
            self._model.optimizer.apply(tape.gradient(loss, variables), variables)
            self._update(loss, labels, logits)
        return loss

    def _evaluate_all(self, dataset: tf.data.Dataset) -> None:
        for images, labels in dataset:
            logits = self._model(images, training=False)
            self._update(self._model.compute_loss(images, labels, logits), labels, logits)

    def _update(self, loss: tf.Tensor, labels: tf.Tensor, logits: tf.Tensor) -> None:
        self._loss.update_state(loss, sample_weight=tf.size(labels))
        self._accuracy.update_state(labels, logits)

    def _reset(self) -> None:
        self._loss.reset_state()
        self._accuracy.reset_state()

    def _results(self) -> dict[str, float]:
        return {metric.name: float(metric.result()) for metric in (self._loss, self._accuracy)}
