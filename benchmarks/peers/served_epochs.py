"""Keras's epochs, each started by the parent process."""

import time
from collections.abc import Callable
from typing import Any

import keras

from benchmarks.peers.protocol import Channel, Report

FOREVER = 1_000_000  # epochs; the parent ends the input long before

_REPORTED = ("loss", "val_loss", "val_accuracy")


class ServedEpochs(keras.callbacks.Callback):
    """Reports each epoch, including its validation, and waits for permission to start the next.

    Args:
      channel: the channel to the parent.
      images: the number of training images per epoch.
      describe: returns further figures of the model after an epoch; its time is not counted.
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
