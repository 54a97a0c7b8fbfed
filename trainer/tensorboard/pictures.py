"""Pictures of what a network has learned, at some steps and at the end."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from trainer.insight.observer import Examples, Observer
from trainer.tensorboard import drawing, projector
from trainer.tensorboard.log import TRAIN, VALIDATION, Log
from trainer.tensorboard.stopwatch import Stopwatch


class Pictures(keras.callbacks.Callback):
    """Writes pictures and histograms at some steps; at the end attributions, mistakes and the projector's points.

    Args:
      log: of the run.
      watch: measures the steps, and is paused for pictures.
      examples: validation samples; with None, nothing is written.
      steps: those after which pictures are made; without any, nothing observes the network.

    Raises:
      StorageError: an event cannot be written.
    """

    def __init__(self, log: Log, watch: Stopwatch, examples: Examples | None, steps: Sequence[int]):
        super().__init__()
        self._log, self._watch, self._examples, self._steps = log, watch, examples, steps
        self._observer: Observer | None = None
        self._kernels: dict[str, np.ndarray] = {}
        self._epoch = self._step = 0

    def on_train_begin(self, logs: Any = None) -> None:
        if self._examples and self._steps:
            self._observer = Observer(self.model, self._examples)
        if self._log.is_new and 0 in self._steps:
            self._draw(0)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._step = self._epoch * self.params["steps"] + batch + 1
        if self._step in self._steps:
            with self._watch.paused():
                self._draw(self._step)

    def on_train_end(self, logs: Any = None) -> None:
        if self._observer:
            step = self._step or self._epoch * self.params["steps"]
            if step not in self._steps:
                self._draw(step)
            probabilities, hidden = self._observer.classify()
            for summary in drawing.conclusion(self._observer, probabilities):
                self._log.add(VALIDATION, summary, step)
            projector.write(self._log.folder / VALIDATION, self._observer.examples, probabilities, hidden)
        self._log.flush()

    def get_state(self) -> dict[str, Any]:
        return {"step": self._step, "kernels": self._kernels}

    def set_state(self, state: Mapping[str, Any]) -> None:
        self._step, self._kernels = state["step"], dict(state["kernels"])

    def _draw(self, step: int) -> None:
        if self._observer:
            look = self._observer.look()
            for summary in drawing.moment(self._observer, look, self._kernels):
                self._log.add(TRAIN, summary, step)
            self._kernels = look.kernels
