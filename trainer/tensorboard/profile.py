"""A trace for TensorBoard's profiler."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf


class Profile(keras.callbacks.Callback):
    """Records a trace, which ends at the latest with the training.

    Args:
      folder: takes the trace.
      steps: the step after which the trace begins and the one after which it ends; no trace if empty.
    """

    def __init__(self, folder: Path, steps: Sequence[int] = ()):
        super().__init__()
        self._folder, self._steps = folder, steps
        self._epoch, self._is_tracing = 0, False

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if not self._steps:
            return
        step = self._epoch * self.params["steps"] + batch + 1
        if not self._is_tracing and self._steps[0] <= step < self._steps[-1]:
            tf.profiler.experimental.start(str(self._folder))
            self._is_tracing = True
        elif self._is_tracing and step >= self._steps[-1]:
            self._stop()

    def on_train_end(self, logs: Any = None) -> None:
        if self._is_tracing:
            self._stop()

    def get_state(self) -> dict[str, Any]:
        return {}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """There is nothing to restore: a trace belongs to one process."""

    def _stop(self) -> None:
        tf.profiler.experimental.stop()
        self._is_tracing = False
