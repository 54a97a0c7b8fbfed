"""Keras's epochs, each begun when the parent process asks for it."""

import time
from collections.abc import Callable
from typing import Any

import keras

from benchmarks.peers.protocol import Channel, Report

FOREVER = 1_000_000  # epochs; the parent ends the input long before

_REPORTED = ("loss", "val_loss", "val_accuracy")


class ServedEpochs(keras.callbacks.Callback):
    """Reports each epoch, its validation included, and waits for leave to begin the next.

    Args:
      channel: to the parent.
      images: that one epoch trains on.
      describe: gives what else is reported of the model after an epoch, outside of the epoch's time.
    """

    def __init__(self, channel: Channel, images: int, describe: Callable[[keras.Model], Report] = lambda _: {}):
        super().__init__()
        self._channel, self._images, self._describe = channel, images, describe
        self._begin = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._begin = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        seconds = time.perf_counter() - self._begin
        results = {name: logs[name] for name in _REPORTED} | self._describe(self.model)
        if not self._channel.report(seconds, self._images, results):
            self.model.stop_training = True
