"""The scalars of each epoch."""

import resource
import sys
from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from trainer.insight import choice
from trainer.tensorboard import summaries
from trainer.tensorboard.log import TRAIN, VALIDATION, Log
from trainer.tensorboard.stopwatch import Stopwatch

_VALIDATION = "val_"
_BY_LAYER = "gradient_norm/"
_MOST_LAYERS = 16  # a chart each


class Scalars(keras.callbacks.Callback):
    """Writes the scalars of each epoch to `train` and `validation`, under the same names, so that they share a chart.

    The step axis counts training steps. `loss` and `accuracy` are means over the epoch, `learning_rate` and
    `gradient_norm`, of all and of each layer (of many layers, of 16 evenly spaced), are its last; `input_wait` is the
    share of the time that steps waited for their samples, `images_per_second`, or `signals_…` or `volumes_…`, leaves
    the validation and the pictures out, `memory_mib` is the most that the process has had, of a GPU that the GPU has.

    Args:
      log: of the run.
      samples: in each epoch.
      watch: started at each epoch; others pause it for work outside of the steps.
      lag: returns the seconds by which a bucket is behind, `bucket_lag`; None where there is no bucket.
      noun: the name of a sample: image, signal or volume.

    Raises:
      StorageError: an event cannot be written.
    """

    def __init__(
        self,
        log: Log,
        samples: int,
        watch: Stopwatch,
        lag: Callable[[], float] | None = None,
        *,
        noun: str = "image",
    ):
        super().__init__()
        self._speed = f"{noun}s_per_second"
        self._log, self._samples, self._watch, self._lag = log, samples, watch, lag
        self._seconds = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._watch.start()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._seconds = self._watch.seconds

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        steps = self.params["steps"]
        scalars = {
            TRAIN: {
                **{name: logs[name] for name in _shown(logs) if not name.startswith(_VALIDATION)},
                "learning_rate": float(tf.convert_to_tensor(self.model.optimizer.learning_rate)),
                self._speed: self._samples / self._seconds,
                "memory_mib": _peak_memory() / 2**20,
                **({"bucket_lag": self._lag()} if self._lag else {}),
            },
            VALIDATION: {
                name.removeprefix(_VALIDATION): value for name, value in logs.items() if name.startswith(_VALIDATION)
            },
        }
        for run, values in scalars.items():
            for name, value in values.items():
                self._log.add(run, summaries.scalar(name, value), (epoch + 1) * steps)
        self._log.flush()

    def get_state(self) -> dict[str, Any]:
        """Returns the seconds of the epoch so far, and how far the event files reach."""
        self._log.flush()
        return {"seconds": self._seconds, "sizes": self._log.sizes()}

    def set_state(self, state: Mapping[str, Any]) -> None:
        self._seconds = state["seconds"]
        self._watch.start(self._seconds)


def _shown(logs: Mapping[str, Any]) -> list[str]:
    """Returns the names of the scalars that are written: all, but of the norms by layer at most 16, evenly spaced."""
    kept = choice.evenly([name for name in logs if name.startswith(_BY_LAYER)], _MOST_LAYERS)
    return [name for name in logs if not name.startswith(_BY_LAYER) or name in kept]


def _peak_memory() -> int:
    """Returns the most memory that training has held, in bytes."""
    if tf.config.list_physical_devices("GPU"):
        return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
