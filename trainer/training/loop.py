"""The training loop: steps, epochs, and the Keras callbacks around them; on one device or on many."""

import dataclasses
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from trainer.errors import DivergedError, StoppedError
from trainer.training import gradients
from trainer.training import state as states
from trainer.training.results import Results

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


@dataclasses.dataclass
class _Place:
    """How far a run has come.

    Attributes:
      epoch: the epoch, from 0.
      steps_in_epoch: of it. All of them, where its validation is still to come.
      logs: the last call's.
      waited: seconds that the epoch's steps waited for their batches.
      seconds: that they took.
    """

    epoch: int = 0
    steps_in_epoch: int = 0
    logs: dict[str, float] = dataclasses.field(default_factory=dict)
    waited: float = 0.0
    seconds: float = 0.0


class Loop:
    """Trains a classifier, many steps in one call of a graph.

    Callbacks are Keras's own: they get `on_train_begin`, `on_epoch_begin`, `on_train_batch_end` (after each call, with
    the last step's index in its epoch), `on_test_begin` and `on_test_end` around the validation, `on_epoch_end` and
    `on_train_end`, and stop the training by `model.stop_training`. The logs hold `loss` and the metrics, means over the
    epoch; `gradient_norm` and `gradient_norm/<layer>`, the last step's on one replica, on average over the replicas;
    `input_wait`, the share of the time that a step waited for its batch; and, after an epoch, `val_loss` and the other
    validation results.

    Args:
      model: compiled with its optimizer and its loss, in the scope of the strategy.
      strategy: which devices train. Each takes its part of every batch, and the gradient is that of the whole batch.
      metrics: made in the same scope; they are given labels and the model's outputs.
      is_stopped: asked after each call of the graph. Where it is true on any machine, all of them stop there.

    Attributes:
      model: that model.
    """

    def __init__(
        self,
        model: keras.Model,
        strategy: tf.distribute.Strategy,
        metrics: Sequence[keras.metrics.Metric],
        is_stopped: Callable[[], bool] = lambda: False,
    ):
        self.model, self._strategy, self._is_stopped = model, strategy, is_stopped
        self._results = Results(strategy, metrics)
        self._last_loss = tf.constant(0.0)
        self._train = tf.function(self._train_steps, reduce_retracing=True)
        self._evaluate = tf.function(self._evaluate_steps, reduce_retracing=True)
        self._steps_per_call, self._evaluation_steps_per_call = 1, 1
        self._place = _Place()
        self._steps_per_epoch = 0
        self._call_ends: Callable[[int], float] = lambda step: math.inf
        self._metric_values = np.zeros((0, 0))
        self._callbacks: list[keras.callbacks.Callback] = []

    def fit(
        self,
        batches: Batches,
        validation: Part,
        steps_per_epoch: int,
        epochs: int,
        callbacks: Sequence[keras.callbacks.Callback],
        *,
        state: Mapping[str, Any] | None = None,
        call_ends: Callable[[int], float] = lambda step: math.inf,
    ) -> None:
        """Trains for some epochs, each followed by a look at the validation part.

        Args:
          batches: for an input pipeline, `steps_per_epoch` elements for each of its replicas and each epoch; of a run
            that goes on, those that are left.
          validation: the validation part.
          steps_per_epoch: steps in one epoch.
          epochs: how many, those before `state` included.
          callbacks: told of every event.
          state: what `state` returned before the run was stopped.
          call_ends: for a step, the next one at which a call of the graph ends, so that callbacks are told there.

        Raises:
          DivergedError: the loss is not finite.
          StoppedError: this machine or another was told to stop; `state` says where.
        """
        self._callbacks, self._steps_per_epoch, self._call_ends = [*callbacks], steps_per_epoch, call_ends
        events = keras.callbacks.CallbackList(self._callbacks, model=self.model, epochs=epochs, steps=steps_per_epoch)
        iterator = iter(self._strategy.distribute_datasets_from_function(batches))
        self.model.stop_training = False
        events.on_train_begin()
        states.settle_callbacks(self._callbacks)
        if state:
            if state["steps_in_epoch"]:  # the epoch began before; callbacks that count it were right then
                events.on_epoch_begin(state["epoch"])
            self._restore(state)
        while self._place.epoch < epochs and not self.model.stop_training:
            epoch = self._place.epoch
            if not self._place.steps_in_epoch:
                events.on_epoch_begin(epoch)
                self._results.reset()
            self._run_epoch(iterator, events)
            events.on_test_begin()
            results = self.evaluate(validation)
            events.on_test_end(results)
            logs = self._place.logs | {f"val_{name}": value for name, value in results.items()}
            self._place = _Place(epoch + 1)
            events.on_epoch_end(epoch, logs)
        events.on_train_end()

    def evaluate(self, part: Part) -> dict[str, float]:
        """Returns `loss` and the metrics over every image.

        Raises:
          StoppedError: this machine or another was told to stop.
        """
        self._results.reset()
        iterator = iter(self._strategy.distribute_datasets_from_function(part.batches))
        done, results = 0, {}
        while done < part.steps:
            steps = min(self._evaluation_steps_per_call, part.steps - done)
            ran = self._evaluate(iterator, tf.constant(steps), self._stopping())
            self._raise_if_stopped(ran)
            done, results = done + steps, _floats(ran["results"])
            self._evaluation_steps_per_call = _fitting(steps, ran)
        return results

    def state(self) -> dict[str, Any]:
        """Returns what a run goes on from as if it had never been stopped; to be asked from a callback, or after `fit`.

        Returns:
          `step` and everything else in plain values; see `trainer.training.state`.
        """
        return {
            "step": self._place.epoch * self._steps_per_epoch + self._place.steps_in_epoch,
            **dataclasses.asdict(self._place),
            "stop_training": bool(self.model.stop_training),
            "variables": [variable.numpy() for variable in self._variables()],
            "metrics": self._metric_values,
            "callbacks": states.of_callbacks(self._callbacks),
        }

    def _restore(self, state: Mapping[str, Any]) -> None:
        for variable, value in zip(self._variables(), state["variables"], strict=True):
            variable.assign(value)
        self._place = _Place(**{field.name: state[field.name] for field in dataclasses.fields(_Place)})
        if self._place.steps_in_epoch:
            self._metric_values = self._results.restore(state["metrics"])
        self.model.stop_training = state["stop_training"]
        states.restore_callbacks(self._callbacks, state["callbacks"])

    def _variables(self) -> list[keras.Variable]:
        return [*self.model.variables, *self.model.optimizer.variables]

    def _run_epoch(self, iterator: Any, events: keras.callbacks.CallbackList) -> None:
        """Runs the steps that the epoch still lacks."""
        place, begin = self._place, time.perf_counter() - self._place.seconds
        while place.steps_in_epoch < self._steps_per_epoch:
            steps = min(self._steps_per_call, self._steps_per_epoch - place.steps_in_epoch)
            step = place.epoch * self._steps_per_epoch + place.steps_in_epoch
            steps = int(min(steps, self._call_ends(step) - step))
            with tf.profiler.experimental.Trace("train", step_num=step, _r=1):  # a step to the profiler
                ran = self._train(iterator, tf.constant(steps), self._last_loss, self._stopping())
            place.steps_in_epoch += int(ran["steps"])
            squares, self._last_loss = ran["squares"].numpy(), ran["loss"]
            norms = gradients.norms(squares, self.model.trainable_variables)
            if not math.isfinite(ran["loss"]):
                step = place.epoch * self._steps_per_epoch + place.steps_in_epoch
                finite = {name: value for name, value in place.logs.items() if "/" not in name}
                finite = (finite | {"loss": float(ran["former"])}) if step > 1 else {}
                raise DivergedError(_describe(float(ran["loss"]), step, finite, norms))
            place.waited += float(ran["waited"])
            place.seconds = time.perf_counter() - begin
            place.logs = _floats(ran["results"]) | {
                "gradient_norm": math.sqrt(squares.sum()),
                **{f"gradient_norm/{layer}": norm for layer, norm in norms.items()},
                "input_wait": place.waited / place.seconds,
            }
            self._metric_values = ran["metrics"].numpy()
            events.on_train_batch_end(place.steps_in_epoch - 1, dict(place.logs))
            self._raise_if_stopped(ran)
            self._steps_per_call = _fitting(steps, ran)

    def _stopping(self) -> tf.Tensor:
        return tf.constant(float(self._is_stopped()))

    def _raise_if_stopped(self, ran: Mapping[str, tf.Tensor]) -> None:
        """Raises where a machine was told to stop before this call of the graph; all of them know."""
        if ran["stopping"] > 0 or (self._strategy.num_replicas_in_sync == 1 and self._is_stopped()):
            raise StoppedError

    def _train_steps(self, iterator: Any, steps: tf.Tensor, loss: tf.Tensor, stopping: tf.Tensor) -> dict[str, Any]:
        """Runs some steps, or those up to the first whose loss is not finite."""
        begin, done, former, waited = tf.timestamp(), 0, loss, tf.constant(0.0, tf.float64)
        squares = tf.zeros(len(self.model.trainable_variables))
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

    def _train_step(self, images: tf.Tensor, labels: tf.Tensor, last: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the loss over the whole batch and, of the last step, each variable's squared gradient norm."""
        optimizer, variables = self.model.optimizer, self.model.trainable_variables
        with tf.GradientTape() as tape:
            loss, logits = self._forward(images, labels, training=True)
            scaled = optimizer.scale_loss(loss)
        found = tape.gradient(scaled, variables)
        optimizer.apply(found, variables)
        self._results.update(loss * self._strategy.num_replicas_in_sync, labels, logits)
        loss = tf.cast(tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, loss), tf.float32)
        unscale = self._strategy.num_replicas_in_sync / optimizer.scale_loss(1.0)
        squares = tf.cond(
            tf.logical_or(last, ~tf.math.is_finite(loss)),
            lambda: tf.stack([gradients.square(gradient) * unscale**2 for gradient in found]),
            lambda: tf.zeros(len(variables)),
        )
        return loss, squares

    def _evaluate_steps(self, iterator: Any, steps: tf.Tensor, stopping: tf.Tensor) -> dict[str, Any]:
        begin = tf.timestamp()
        for _ in tf.range(steps):
            self._strategy.run(self._evaluate_step, next(iterator))
        results = self._results.values()
        with tf.control_dependencies(list(results.values())):
            seconds = tf.cast(tf.timestamp() - begin, tf.float32)
        seconds, stopping = self._first(self._strategy.run(_mean_over_replicas, ((seconds, stopping),)))
        return {"seconds": seconds, "stopping": stopping, "results": results}

    def _evaluate_step(self, images: tf.Tensor, labels: tf.Tensor) -> None:
        loss, logits = self._forward(images, labels, training=False)
        self._results.update(loss * self._strategy.num_replicas_in_sync, labels, logits)

    def _forward(self, images: tf.Tensor, labels: tf.Tensor, training: bool) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns this replica's mean loss, which Keras has divided by the number of replicas, and the logits."""
        logits = self.model(images, training=training)
        return self.model.compute_loss(images, labels, logits, training=training), logits

    def _first(self, values: Any) -> Any:
        """Returns one replica's of some values that all replicas share."""
        return tf.nest.map_structure(lambda value: self._strategy.experimental_local_results(value)[0], values)


def _fitting(steps: int, ran: Mapping[str, tf.Tensor]) -> int:
    """Returns how many steps the next call should run: so many as fill its time, at most twice as many as before."""
    return max(1, min(2 * steps, round(_CALL_SECONDS * steps / float(ran["seconds"]))))


def _mean_over_replicas(values: Any) -> Any:
    own = tf.nest.map_structure(tf.identity, values)  # on the replica's device, which the exchange asks for
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, own)


def _describe(loss: float, step: int, finite: dict[str, float], norms: dict[str, float]) -> str:
    before, layers = (", ".join(f"{name} {value:.4g}" for name, value in values.items()) for values in (finite, norms))
    return f"the loss is {loss} at step {step}; gradient norms: {layers}{'; before: ' if before else ''}{before}"


def _floats(results: dict[str, tf.Tensor]) -> dict[str, float]:
    return {name: float(value) for name, value in results.items()}
