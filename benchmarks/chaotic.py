"""The run that `benchmarks/chaos.py` kills: `trainer.task` with callbacks that have a state and print phases."""

import os
import sys
from typing import Any

import keras

from trainer import task


class Phases(keras.callbacks.Callback):
    """Prints each phase when it starts, and each step when it is done."""

    def on_train_begin(self, logs: Any = None) -> None:
        self._say("compile")

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._first = epoch * self.params["steps"]

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._say(f"train {self._first + batch + 1}")

    def on_test_begin(self, logs: Any = None) -> None:
        self._say("validate")

    def on_train_end(self, logs: Any = None) -> None:
        self._say("export")

    def _say(self, phase: str) -> None:
        os.write(1, f"phase {phase}\n".encode())


if __name__ == "__main__":
    callbacks = [
        Phases(),
        keras.callbacks.EarlyStopping("val_loss", patience=99, restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau("val_loss", patience=0, factor=0.7, min_delta=0.05),
    ]
    sys.exit(task.main(sys.argv[1:], os.environ, callbacks))
