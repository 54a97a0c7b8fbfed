"""The time of a training step in any loop."""

import time
from typing import Any

import keras


class StepClock(keras.callbacks.Callback):
    """Times an epoch's steps, without validation."""

    def __init__(self) -> None:
        super().__init__()
        self._begin, self._end, self._steps = 0.0, 0.0, 1

    @property
    def seconds(self) -> float:
        """Seconds of one step, as the mean over the last epoch."""
        return (self._end - self._begin) / self._steps

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._begin = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._end, self._steps = time.perf_counter(), batch + 1
