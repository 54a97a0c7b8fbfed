"""When something is written to TensorBoard."""

import contextlib
import os
import resource
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from trainer.errors import StorageError


class TensorBoard(keras.callbacks.Callback):
    """Writes the scalars of each epoch: `train/` and `validation/` hold the same names, so that they share a chart.

    The step axis counts training steps. `loss` and `accuracy` are means over the epoch, `learning_rate` and
    `gradient_norm` are its last; `input_wait` is the share of the time that steps waited for their images,
    `images_per_second` leaves the validation out, `memory_mib` is the most that the process has had, of a GPU that the
    GPU has.

    Args:
      folder: the run's log folder.
      steps_per_epoch: steps in each epoch.
      batch_size: images in each step.
      sizes: of a run that goes on, how many bytes of each event file were written up to there; what came after is
        removed, and will come again. None leaves what is there.

    Raises:
      StorageError: an event cannot be written.
    """

    def __init__(self, folder: Path, steps_per_epoch: int, batch_size: int, sizes: Mapping[str, int] | None = None):
        super().__init__()
        self._folder, self._steps_per_epoch, self._batch_size = folder, steps_per_epoch, batch_size
        self._sizes = sizes
        self._begin = self._seconds = 0.0

    def on_train_begin(self, logs: Any = None) -> None:
        if self._sizes is not None:
            for name, size in _sizes(self._folder).items():
                if self._sizes.get(name, 0) == 0:
                    (self._folder / name).unlink()
                elif size > self._sizes[name]:
                    os.truncate(self._folder / name, self._sizes[name])
        self._writers = {part: tf.summary.create_file_writer(str(self._folder / part)) for part in _PARTS}

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._begin = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._seconds = time.perf_counter() - self._begin

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        step = (epoch + 1) * self._steps_per_epoch
        scalars = {
            "train": {
                **{name: value for name, value in logs.items() if not name.startswith(_VALIDATION)},
                "learning_rate": float(tf.convert_to_tensor(self.model.optimizer.learning_rate)),
                "images_per_second": self._steps_per_epoch * self._batch_size / self._seconds,
                "memory_mib": _peak_memory() / 2**20,
            },
            "validation": {
                name.removeprefix(_VALIDATION): value for name, value in logs.items() if name.startswith(_VALIDATION)
            },
        }
        with self._named_failures():
            for part, values in scalars.items():
                with self._writers[part].as_default(step):
                    for name, value in values.items():
                        tf.summary.scalar(name, value)
                self._writers[part].flush()

    def on_train_end(self, logs: Any = None) -> None:
        with self._named_failures():
            for writer in self._writers.values():
                writer.close()

    def get_state(self) -> dict[str, Any]:
        return {"seconds": self._seconds, "sizes": _sizes(self._folder)}

    def set_state(self, state: Mapping[str, Any]) -> None:
        self._seconds = state["seconds"]
        self._begin = time.perf_counter() - self._seconds

    @contextlib.contextmanager
    def _named_failures(self) -> Iterator[None]:
        try:
            yield
        except tf.errors.OpError as error:
            reason = error.message.splitlines()[0].rpartition("; ")[2]
            raise StorageError(f"the logs in {self._folder} cannot be written: {reason}") from None


_PARTS = ("train", "validation")
_VALIDATION = "val_"


def _sizes(folder: Path) -> dict[str, int]:
    """Returns the size of each event file, in bytes, by its path within the folder."""
    files = (path for part in _PARTS for path in folder.glob(f"{part}/events.out.tfevents.*"))
    return {str(path.relative_to(folder)): path.stat().st_size for path in files}


def _peak_memory() -> int:
    """Returns the most memory that training has held, in bytes."""
    if tf.config.list_physical_devices("GPU"):
        return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
