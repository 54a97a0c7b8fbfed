"""The training loop: epochs, and the Keras callbacks around them."""

import dataclasses
import functools
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from trainer.errors import DivergedError, StoppedError
from trainer.training import frozen, gradients, hardware
from trainer.training import state as states
from trainer.training.average import Average
from trainer.training.feed import Feed
from trainer.training.graphs import Graphs
from trainer.training.mixing import Mixing
from trainer.training.results import Results
from trainer.training.statistics import Statistics
from trainer.training.step import Forward, Step
from trainer.training.steps import Ran

_CALL_SECONDS = 0.25  # of steps in one call of the graph: the screen moves, and the call's own cost is not felt

Logs = dict[str, float]


@dataclasses.dataclass(frozen=True)
class Stage:
    """A part of the training in which the same layers learn from the same feed.

    Attributes:
      epochs: how long it takes.
      begin: makes its layers learn, compiles the model with the stage's own optimizer, and returns what computes the
        model's outputs from a batch of its feeds.
      training: returns the feed of some steps, counted from the start of the run.
      validation: returns the feed of the validation part.
      mixing: how samples are blended in pairs; None where they are not.
      settling: how many of an epoch's last batches settle the statistics of batch normalisation; see `Statistics`.
    """

    epochs: int
    begin: Callable[[], Forward]
    training: Callable[[range], Feed]
    validation: Callable[[], Feed]
    mixing: Mixing | None = None
    settling: int = 0

    @classmethod
    def whole(cls, model: keras.Model, epochs: int, training: Feed, validation: Feed) -> "Stage":
        """Returns the one stage of a model that is compiled, from feeds from its first step on."""
        return cls(epochs, lambda: model, lambda steps: training, lambda: validation)


@dataclasses.dataclass
class _Position:
    """How far a run has come.

    Attributes:
      stage: the stage, from 0.
      epoch: the epoch, from 0, of the whole run.
      steps_in_epoch: of it. All of them, where its validation is still to come.
      logs: the last call's.
      waited: seconds that the epoch's steps waited for their batches.
      seconds: that they took.
    """

    stage: int = 0
    epoch: int = 0
    steps_in_epoch: int = 0
    logs: Logs = dataclasses.field(default_factory=dict)
    waited: float = 0.0
    seconds: float = 0.0


@dataclasses.dataclass(frozen=True)
class _Distributed:
    """A feed on the devices: to make one takes longer than to evaluate a few samples, so a stage keeps it.

    Attributes:
      feed: what is fed.
      strategy: which devices train.
    """

    feed: Feed
    strategy: tf.distribute.Strategy

    @functools.cached_property
    def batches(self) -> Iterable[Any]:
        """The pipeline, which begins anew with each iterator."""
        batches: Iterable[Any] = self.strategy.distribute_datasets_from_function(self.feed.batches)
        return batches


class _Replay:
    """The last batches of each epoch of a stage, once more.

    Where these are all batches of an epoch, they follow each other from epoch to epoch, and one pipeline gives them: to
    make one takes longer than an epoch of a few steps.

    Args:
      stage: whose batches these are.
      strategy: which devices train.
      steps_per_epoch: of the stage.
      end: the step after the stage's last.
    """

    def __init__(self, stage: Stage, strategy: tf.distribute.Strategy, steps_per_epoch: int, end: int):
        self._stage, self._strategy, self._end = stage, strategy, end
        self._is_whole = stage.settling == steps_per_epoch
        self._kept: tuple[Feed, Any] | None = None

    def before(self, step: int) -> tuple[Feed, Any]:
        """Returns the feed that has the batches up to a step, an epoch's end, and an iterator that begins there."""
        if self._kept is None or not self._is_whole:
            end = self._end if self._is_whole else step
            feed = self._stage.training(range(step - self._stage.settling, end))
            self._kept = feed, iter(_Distributed(feed, self._strategy).batches)
        return self._kept


class Loop:
    """Trains a model, many steps in one call of a graph.

    Callbacks are Keras's own: they get `on_train_begin`, `on_epoch_begin`, `on_train_batch_end` (after each call, with
    the last step's index in its epoch), `on_test_begin` and `on_test_end` around the validation, `on_epoch_end` and
    `on_train_end`, and stop the training by `model.stop_training`. The logs hold `loss` and the metrics, means over the
    epoch; `gradient_norm` and `gradient_norm/<layer>`, the last step's on one replica, on average over the replicas;
    `input_wait`, the share of the time that a step waited for its batch; and, after an epoch, `val_loss` and the other
    validation results.

    Args:
      model: in the scope of the strategy; compiled with its optimizer and its loss, there or as its stages begin.
      strategy: which devices train. Each takes its part of every batch, and the gradient is that of the whole batch.
      metrics: made in the same scope; they are given targets and the model's outputs.
      is_stopped: asked after each call of the graph. Where it is true on any machine, all of them stop there.
      is_compiled: whether XLA compiles the steps, on one device.
      evaluated: metrics of evaluations alone, made in the same scope.

    Attributes:
      model: that model.
      metrics: those metrics.
      evaluated: those metrics.
    """

    def __init__(
        self,
        model: keras.Model,
        strategy: tf.distribute.Strategy,
        metrics: Sequence[keras.metrics.Metric],
        is_stopped: Callable[[], bool] = lambda: False,
        *,
        is_compiled: bool = False,
        evaluated: Sequence[keras.metrics.Metric] = (),
    ):
        self.model, self._strategy, self.metrics, self._is_stopped = model, strategy, metrics, is_stopped
        self.evaluated, self._results, self._is_compiled = evaluated, Results(strategy, metrics, evaluated), is_compiled
        self._graphs, self._whole = (
            Graphs(Step(model, strategy, self._results, is_compiled=is_compiled)) for _ in range(2)
        )
        self._statistics: Statistics | None = None
        self._average = Average(model)
        self._stages: Sequence[Stage] = ()
        self._last_loss = tf.constant(0.0)
        self._steps_per_call, self._evaluation_steps_per_call = 1, 1
        self._position = _Position()
        self._steps_per_epoch = 0
        self._call_ends: Callable[[int], float] = lambda step: math.inf
        self._metric_values = np.zeros((0, 0))
        self._callbacks: list[keras.callbacks.Callback] = []

    def fit(
        self,
        stages: Sequence[Stage],
        steps_per_epoch: int,
        callbacks: Sequence[keras.callbacks.Callback],
        *,
        state: Mapping[str, Any] | None = None,
        call_ends: Callable[[int], float] = lambda step: math.inf,
    ) -> None:
        """Trains for the epochs of some stages, each epoch followed by an evaluation of the validation part.

        Batch normalisation has its moving statistics settled before each evaluation; see `Statistics`. Where the
        optimizer averages weights, the model has their average for the evaluation and for `on_epoch_end`, and at the
        end of each stage.

        Args:
          stages: in their order.
          steps_per_epoch: steps in one epoch.
          callbacks: get every event.
          state: what `state` returned before the run was stopped.
          call_ends: for a step, the next one at which a call of the graph ends, so that callbacks get that step.

        Raises:
          DivergedError: the loss is not finite.
          StoppedError: this machine or another was told to stop; `state` says where.
        """
        self._callbacks, self._steps_per_epoch, self._call_ends = [*callbacks], steps_per_epoch, call_ends
        self._stages, epochs = stages, sum(stage.epochs for stage in stages)
        events = keras.callbacks.CallbackList(
            self._callbacks, model=self.model, epochs=epochs, steps=steps_per_epoch, verbose=0
        )
        self._begin_stage(state["stage"] if state else 0)
        self.model.stop_training = False
        events.on_train_begin()
        states.settle_callbacks(self._callbacks)
        if state:
            if state["steps_in_epoch"]:  # the epoch began before; callbacks that count it were right then
                events.on_epoch_begin(state["epoch"])
            self._restore(state)
        ends = [sum(stage.epochs for stage in stages[: index + 1]) for index in range(len(stages))]
        for index in range(self._position.stage, len(stages)):
            if self._position.epoch < ends[index] and not self.model.stop_training:
                self._run_stage(index, ends[index], events)
        self._average.take()
        events.on_train_end()

    def take_weights(self, state: Mapping[str, Any]) -> None:
        """Gives the model the weights of a state, or their average if the optimizer keeps one."""
        # The model's variables come first. An earlier stage took its average when it ended; its optimizer has others.
        is_same_stage = len(state["variables"]) == len(self._variables())
        variables = self._variables() if is_same_stage else self.model.variables
        for variable, value in zip(variables, state["variables"], strict=False):
            variable.assign(value)
        if is_same_stage:
            self._average.take()

    def evaluate(self, feed: Feed) -> Logs:
        """Returns `loss` and the metrics over every sample.

        Raises:
          StoppedError: this machine or another was told to stop.
        """
        values = self._evaluate(self._distribute(feed), self._results, self._whole)
        return {name: float(value) for name, value in values.items()}

    def evaluate_with(
        self, feed: Feed, metrics: Sequence[keras.metrics.Metric], evaluated: Sequence[keras.metrics.Metric] = ()
    ) -> dict[str, np.ndarray]:
        """Returns `loss`, the metrics and some more over every sample, as arrays; at the end of a run.

        Args:
          feed: the samples.
          metrics: made in the strategy's scope; they are given targets and the model's outputs.
          evaluated: the same, of metrics whose values are computed once, after the last batch.

        Raises:
          StoppedError: this machine or another was told to stop.
        """
        results = Results(self._strategy, [*self.metrics, *metrics], evaluated)
        graphs = Graphs(Step(self.model, self._strategy, results))  # once: to compile takes longer
        return self._evaluate(self._distribute(feed), results, graphs)

    def state(self) -> dict[str, Any]:
        """Returns what a run resumes from as if it had never stopped; to be asked from a callback, or after `fit`.

        Returns:
          `step` and everything else in plain values; see `trainer.training.state`.
        """
        return {
            "step": self.step,
            **dataclasses.asdict(self._position),
            "stop_training": bool(self.model.stop_training),
            "variables": [self._average.own(variable) for variable in self._variables()],
            "frozen": frozen.positions(self.model),
            "metrics": self._metric_values,
            "callbacks": states.of_callbacks(self._callbacks),
        }

    @property
    def step(self) -> int:
        """How many steps the run has done."""
        return self._position.epoch * self._steps_per_epoch + self._position.steps_in_epoch

    def _distribute(self, feed: Feed) -> _Distributed:
        return _Distributed(feed, self._strategy)

    def _evaluate(self, distributed: _Distributed, results: Results, graphs: Graphs) -> dict[str, np.ndarray]:
        results.reset()
        feed, done, values = distributed.feed, 0, {}
        is_whole = graphs.is_whole(feed)
        iterator = None if is_whole else iter(distributed.batches)
        while done < feed.steps:
            steps = feed.steps if is_whole else min(self._evaluation_steps_per_call, feed.steps - done)
            ran = graphs.evaluate(feed, iterator, steps, self._stopping())
            self._raise_if_stopped(ran)
            done, values = done + steps, ran["results"]
            self._evaluation_steps_per_call = _fitting(steps, ran)
        return {name: value.numpy() for name, value in (values | results.evaluated()).items()}

    def _restore(self, state: Mapping[str, Any]) -> None:
        for variable, value in zip(self._variables(), state["variables"], strict=True):
            variable.assign(value)
        self._position = _Position(**{field.name: state[field.name] for field in dataclasses.fields(_Position)})
        if self._position.steps_in_epoch:
            self._metric_values = self._results.restore(state["metrics"])
        self.model.stop_training = state["stop_training"]
        states.restore_callbacks(self._callbacks, state["callbacks"])

    def _variables(self) -> list[keras.Variable]:
        return [*self.model.variables, *self.model.optimizer.variables]

    def _begin_stage(self, index: int) -> None:
        forward = self._stages[index].begin()
        statistics = Statistics(self.model, forward, self._strategy)
        # Batch normalisation should see full batches, XLA one shape, and an accelerator no number that the host needs.
        has_one_shape = self._is_compiled or statistics.layers or hardware.has_accelerator()
        is_cut = not has_one_shape and self._strategy.num_replicas_in_sync == 1
        self._graphs = Graphs(
            Step(
                self.model,
                self._strategy,
                self._results,
                forward,
                is_compiled=self._is_compiled,
                is_cut=is_cut,
                mixing=self._stages[index].mixing,
            )
        )
        self._statistics = statistics if statistics.layers and self._stages[index].settling else None
        self._steps_per_call = self._evaluation_steps_per_call = 1
        self._position.stage = index

    def _run_stage(self, index: int, end: int, events: keras.callbacks.CallbackList) -> None:
        """Runs the epochs that a stage still lacks."""
        stage = self._stages[index]
        if index != self._position.stage:
            self._average.take()
            self._begin_stage(index)
        training = self._distribute(stage.training(range(self.step, end * self._steps_per_epoch)))
        iterator = None if self._graphs.is_whole(training.feed) else iter(training.batches)
        validation = self._distribute(stage.validation())
        replay = _Replay(stage, self._strategy, self._steps_per_epoch, end * self._steps_per_epoch)
        while self._position.epoch < end and not self.model.stop_training:
            self._run_epoch(training.feed, iterator, validation, replay, events)

    def _run_epoch(
        self,
        feed: Feed,
        iterator: Any,
        validation: _Distributed,
        replay: _Replay,
        events: keras.callbacks.CallbackList,
    ) -> None:
        """Runs the rest of an epoch and its validation."""
        stage, epoch = self._position.stage, self._position.epoch
        if not self._position.steps_in_epoch:
            events.on_epoch_begin(epoch)
            self._results.reset()
        self._run_steps(feed, iterator, events)
        with self._average.taken():
            self._settle(replay)
            events.on_test_begin()
            found = self._evaluate(validation, self._results, self._graphs)
            results = {name: float(value) for name, value in found.items()}
            events.on_test_end(results)
            logs = self._position.logs | {f"val_{name}": value for name, value in results.items()}
            self._position = _Position(stage, epoch + 1)
            events.on_epoch_end(epoch, logs)

    def _settle(self, replay: _Replay) -> None:
        """Gives batch normalisation the statistics of the last batches of the epoch, which are fed once more."""
        if self._statistics is not None:
            feed, iterator = replay.before(self.step)
            self._statistics.settle(feed, iterator, self._stages[self._position.stage].settling)

    def _run_steps(self, feed: Feed, iterator: Any, events: keras.callbacks.CallbackList) -> None:
        """Runs the steps that the epoch still lacks."""
        position, begin = self._position, time.perf_counter() - self._position.seconds
        while position.steps_in_epoch < self._steps_per_epoch:
            steps = min(self._steps_per_call, self._steps_per_epoch - position.steps_in_epoch)
            steps = int(min(steps, self._call_ends(self.step) - self.step))
            with tf.profiler.experimental.Trace("train", step_num=self.step, _r=1):  # a step to the profiler
                ran = self._graphs.train(
                    feed, iterator, self.step, steps, loss=self._last_loss, stopping=self._stopping()
                )
            position.steps_in_epoch += int(ran["steps"])
            norms = gradients.norms(ran["squares"].numpy(), self.model.trainable_variables)
            self._last_loss = ran["loss"]
            self._raise_if_diverged(ran, norms)
            position.waited += float(ran["waited"])
            position.seconds = time.perf_counter() - begin
            position.logs = {name: float(value) for name, value in ran["results"].items()} | {
                "gradient_norm": math.sqrt(ran["squares"].numpy().sum()),
                **{f"gradient_norm/{layer}": norm for layer, norm in norms.items()},
                "input_wait": position.waited / position.seconds,
            }
            self._metric_values = ran["metrics"].numpy()
            events.on_train_batch_end(position.steps_in_epoch - 1, dict(position.logs))
            self._raise_if_stopped(ran)
            self._steps_per_call = _fitting(steps, ran)

    def _raise_if_diverged(self, ran: Ran, norms: Logs) -> None:
        loss = float(ran["loss"])
        if not math.isfinite(loss):
            finite = {name: value for name, value in self._position.logs.items() if "/" not in name}
            finite = (finite | {"loss": float(ran["former"])}) if self.step > 1 else {}
            raise DivergedError(_describe(loss, self.step, finite, norms))

    def _stopping(self) -> tf.Tensor:
        return tf.constant(float(self._is_stopped()))

    def _raise_if_stopped(self, ran: Ran) -> None:
        """Raises where a machine was told to stop before this call of the graph; all of them know."""
        if ran["stopping"] > 0 or (self._strategy.num_replicas_in_sync == 1 and self._is_stopped()):
            raise StoppedError


def _fitting(steps: int, ran: Ran) -> int:
    """Returns how many steps the next call should run: as many as fill its time, at most twice as many as before.

    If the system's clock was set back during a call, the next one has as many steps.
    """
    seconds = float(ran["seconds"])
    return max(1, min(2 * steps, round(_CALL_SECONDS * steps / seconds))) if seconds > 0 else steps


def _describe(loss: float, step: int, finite: Logs, norms: Logs) -> str:
    before, layers = (", ".join(f"{name} {value:.4g}" for name, value in values.items()) for values in (finite, norms))
    return f"the loss is {loss} at step {step}; gradient norms: {layers}{'; before: ' if before else ''}{before}"
