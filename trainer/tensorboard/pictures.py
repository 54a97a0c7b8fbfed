"""Pictures of what a network has learned, at some steps and at the end."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from tensorboard.compat.proto.summary_pb2 import Summary

from trainer.insight.observer import Examples, Observer, Snapshot
from trainer.tensorboard import drawing, projector, tested
from trainer.tensorboard.decisions import Decisions
from trainer.tensorboard.log import TRAIN, VALIDATION, Log
from trainer.tensorboard.moments import Kernels, Moment, Moments, most_waiting
from trainer.tensorboard.stopwatch import Stopwatch


class Pictures(keras.callbacks.Callback):
    """Writes pictures and histograms at some steps; at the end attributions, mistakes and the projector's points.

    The training waits for a copy of the weights at each of these steps. A thread draws them, and what is drawn is
    written between later steps. A checkpoint has the weights of the moments that are not written yet.

    Args:
      log: of the run.
      watch: measures the steps, and is paused for pictures.
      examples: validation samples; with None, nothing is written.
      steps: those after which pictures are made; without any, nothing observes the network.
      batch_size: training samples in a step.

    Attributes:
      explanation: which attributions are the most faithful, as `Decisions` has it; empty until the training has ended.
      cues: a line for each class that the same region with the same content decides, likewise.

    Raises:
      StorageError: an event cannot be written.
    """

    def __init__(
        self, log: Log, watch: Stopwatch, examples: Examples | None, steps: Sequence[int], batch_size: int = 0
    ):
        super().__init__()
        self._log, self._watch, self._examples, self._steps = log, watch, examples, steps
        self._observer: Observer | None = None
        self._decisions: Decisions | None = None
        self._batch_size, self.explanation, self.cues = batch_size, dict[str, Any](), list[str]()
        self._moments = Moments(self._draw, {})
        self._kernels: Kernels = {}  # at the last moment that is written
        self._epoch = self._step = 0

    def on_train_begin(self, logs: Any = None) -> None:
        if self._examples and self._steps:
            self._observer = Observer(self.model, self._examples)
            seen = self.params.get("epochs", 0) * self.params.get("steps", 0) * self._batch_size
            self._decisions = Decisions(self._observer, seen)
        if self._log.is_new and 0 in self._steps:
            self._add(0)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._step = self._epoch * self.params["steps"] + batch + 1
        with self._watch.paused():
            self._write()
            if self._step in self._steps:
                self._add(self._step)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._write()

    def on_train_end(self, logs: Any = None) -> None:
        if self._observer:
            step = self._step or self._epoch * self.params["steps"]
            if step not in self._steps:
                self._add(step)
            self._write(most_waiting=0)
            probabilities, hidden = self._observer.classify()
            for summary in drawing.conclusion(self._observer, probabilities, self._decisions):
                self._log.add(VALIDATION, summary, step)
            if self._decisions:
                self.explanation, self.cues = self._decisions.explanation, self._decisions.cues
            projector.write(self._log.folder / VALIDATION, self._observer.examples, probabilities, hidden)
        self._log.flush()

    def test(self, samples: np.ndarray, labels: np.ndarray, count: int) -> None:
        """Writes the worst mistakes on test samples, with the weights that the network has now; of classes alone.

        Args:
          samples: at least one, `(count, *spatial, channels)`; of a large network, the first ones are classified.
          labels: their classes.
          count: the number of all test samples.
        """
        if not (self._observer and self._decisions) or self._observer.examples.observed:
            return
        most = max(1, min(tested.MOST, self._decisions.affordable))
        examples = dataclasses.replace(self._observer.examples, samples=samples[:most], labels=labels[:most])
        probabilities, _ = self._observer.classify(examples.samples)
        for summary in tested.worst(examples, probabilities, count):
            self._log.add(VALIDATION, summary, self._step)

    def close(self, *, is_complete: bool) -> None:
        """Ends the thread.

        Args:
          is_complete: whether moments that wait are still drawn and written.
        """
        try:
            if is_complete:
                self._write(most_waiting=0)
        finally:
            self._moments.close()

    def get_state(self) -> dict[str, Any]:
        waiting = [(step, [*values], [*learning]) for step, (values, learning) in self._moments.waiting]
        return {"step": self._step, "kernels": dict(self._kernels), "waiting": waiting}

    def set_state(self, state: Mapping[str, Any]) -> None:
        self._step, self._kernels = state["step"], dict(state["kernels"])
        self._moments.close()
        self._moments = Moments(self._draw, self._kernels)
        for step, values, learning in state.get("waiting", ()) if self._observer else ():
            self._moments.add(Moment(step, Snapshot(values, learning)))

    def _add(self, step: int) -> None:
        if self._observer:
            snapshot = self._observer.snapshot()
            self._moments.add(Moment(step, snapshot))
            # The network itself must not change while it is observed.
            self._write(most_waiting(snapshot) if self._observer.is_apart else 0)

    def _write(self, most_waiting: int | None = None) -> None:
        """Writes the moments that are drawn, and waits until there are at most so many others."""
        for drawn in self._moments.take(most_waiting):
            for summary in drawn.summaries:
                self._log.add(TRAIN, summary, drawn.step)
            self._kernels = drawn.kernels

    def _draw(self, snapshot: Snapshot, former: Kernels) -> tuple[Sequence[Summary], Kernels]:
        if self._observer is None:
            raise ValueError("the training must have begun")
        look = self._observer.look(snapshot)
        scores = self._decisions.moment() if self._decisions else ()
        return [*drawing.moment(self._observer, look, former), *scores], look.kernels
