"""When something is written to TensorBoard."""

import time
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf


class TensorBoard(keras.callbacks.Callback):
    """Writes the scalars of each epoch: `train/` and `validation/` hold the same names, so that they share a chart.

    The step axis counts optimizer steps, `loss` and `accuracy` are means over the epoch, `learning_rate` is the
    epoch's last.

    Args:
      folder: the run's log folder.
      images_per_epoch: images that one epoch trains on.
    """

    def __init__(self, folder: Path, images_per_epoch: int):
        super().__init__()
        self._folder, self._images_per_epoch = folder, images_per_epoch
        self._begin = 0.0

    def on_train_begin(self, logs: Any = None) -> None:
        self._writers = {part: tf.summary.create_file_writer(str(self._folder / part)) for part in _PARTS}

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._begin = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._seconds = time.perf_counter() - self._begin

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        optimizer = self.model.optimizer
        step = int(optimizer.iterations)
        scalars = {
            "train": {
                "loss": logs["loss"],
                "accuracy": logs["accuracy"],
                "learning_rate": float(optimizer.learning_rate),
                "images_per_second": self._images_per_epoch / self._seconds,
            },
            "validation": {"loss": logs["val_loss"], "accuracy": logs["val_accuracy"]},
        }
        for part, values in scalars.items():
            with self._writers[part].as_default(step):
                for name, value in values.items():
                    tf.summary.scalar(name, value)
            self._writers[part].flush()

    def on_train_end(self, logs: Any = None) -> None:
        for writer in self._writers.values():
            writer.close()


_PARTS = ("train", "validation")
