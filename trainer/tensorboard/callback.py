"""When something is written to TensorBoard."""

import contextlib
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorboard.compat.proto.summary_pb2 import Summary

from trainer.errors import StoppedError
from trainer.insight import table
from trainer.insight.observer import Examples, Observer
from trainer.tensorboard import drawing, experiment, summaries
from trainer.tensorboard.experiment import Domain, Metric
from trainer.tensorboard.log import RUN, TRAIN, VALIDATION, Log

_VALIDATION = "val_"
_METRICS = ("accuracy", "loss")
# Of the HParams table; first those that are tuned.
_FIRST_COLUMNS = ("filters", "kernel_size", "learning_rate", "padding", "stride")


class TensorBoard(keras.callbacks.Callback):
    """Writes what a run does, and what its network has learned.

    `train` and `validation` hold the scalars of each epoch under the same names, so that they share a chart. The step
    axis counts training steps. `loss` and `accuracy` are means over the epoch, `learning_rate` and `gradient_norm`, of
    all and of each layer, are its last; `input_wait` is the share of the time that steps waited for their images,
    `images_per_second` leaves the validation out, `memory_mib` is the most that the process has had, of a GPU that the
    GPU has. Before the first step there are the graphs, the table of layers, the configuration and the run's row in the
    HParams table; at some steps pictures; at the end what decides, what is mistaken, and the projector's points.

    Args:
      log: where to.
      steps_per_epoch: steps in each epoch.
      batch_size: images in each step.
      configuration: the run's, and its columns in the HParams table.
      command: the command line.
      examples: validation images; None leaves out all that looks into the network.
      pictures: the steps after which pictures are made; where there are none, nothing looks into the network.
      profile: the steps from first to last between which a trace is taken for the profiler, or none.
      lag: gives the seconds by which a bucket is behind, `bucket_lag`; None where there is no bucket.

    Raises:
      StorageError: an event cannot be written.
    """

    def __init__(
        self,
        log: Log,
        steps_per_epoch: int,
        batch_size: int,
        *,
        configuration: Mapping[str, Any] | None = None,
        command: str = "",
        examples: Examples | None = None,
        pictures: Sequence[int] = (),
        profile: Sequence[int] = (),
        lag: Callable[[], float] | None = None,
    ):
        super().__init__()
        self._log, self._steps_per_epoch, self._batch_size = log, steps_per_epoch, batch_size
        self._configuration, self._command = dict(configuration or {}), command
        self._examples, self._pictures, self._profile = examples, pictures, profile
        self._lag = lag
        self._observer: Observer | None = None
        self._kernels: dict[str, np.ndarray] = {}
        self._begin = self._seconds = 0.0
        self._epoch = self._step = 0
        self._is_profiling = False

    def on_train_begin(self, logs: Any = None) -> None:
        if self._examples and self._pictures:
            self._observer = Observer(self.model, self._examples)
        if self._log.is_new:
            self._introduce()
            if 0 in self._pictures:
                self._draw(0)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch, self._begin = epoch, time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._seconds = time.perf_counter() - self._begin
        self._step = self._epoch * self._steps_per_epoch + batch + 1
        if self._step in self._pictures:
            self._draw(self._step)
            self._begin = time.perf_counter() - self._seconds  # pictures are no part of the images per second
        if self._profile:
            self._trace(self._step)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        step = (epoch + 1) * self._steps_per_epoch
        scalars = {
            TRAIN: {
                **{name: value for name, value in logs.items() if not name.startswith(_VALIDATION)},
                "learning_rate": float(tf.convert_to_tensor(self.model.optimizer.learning_rate)),
                "images_per_second": self._steps_per_epoch * self._batch_size / self._seconds,
                "memory_mib": _peak_memory() / 2**20,
                **({"bucket_lag": self._lag()} if self._lag else {}),
            },
            VALIDATION: {
                name.removeprefix(_VALIDATION): value for name, value in logs.items() if name.startswith(_VALIDATION)
            },
        }
        for part, values in scalars.items():
            for name, value in values.items():
                self._log.add(part, summaries.scalar(name, value), step)
        self._log.flush()

    def on_train_end(self, logs: Any = None) -> None:
        if self._is_profiling:
            self._trace(self._profile[-1])
        if self._observer:
            step = self._step or self._epoch * self._steps_per_epoch
            if step not in self._pictures:
                self._draw(step)
            for summary in drawing.conclusion(self._observer, self._log.folder / VALIDATION):
                self._log.add(VALIDATION, summary, step)
        self._log.flush()

    @contextlib.contextmanager
    def session(self) -> Iterator[None]:
        """Notes in the HParams table how what is within ended, and closes the log."""
        status = experiment.FAILED
        try:
            yield
            status = experiment.SUCCESS
        except StoppedError:
            status = experiment.STOPPED
            raise
        finally:
            with contextlib.nullcontext() if status == experiment.SUCCESS else contextlib.suppress(Exception):
                self._log.add(RUN, experiment.end(status, time.time()), 0)
                self._log.close()

    def get_state(self) -> dict[str, Any]:
        self._log.flush()
        return {"seconds": self._seconds, "step": self._step, "sizes": self._log.sizes(), "kernels": self._kernels}

    def set_state(self, state: Mapping[str, Any]) -> None:
        self._seconds, self._step, self._kernels = state["seconds"], state["step"], dict(state["kernels"])
        self._begin = time.perf_counter() - self._seconds

    def _introduce(self) -> None:
        """Writes what does not change."""
        self._log.add_graph(summaries.op_graph(self.model))
        rows = "".join(f"| {name} | {value} |\n" for name, value in self._configuration.items())
        for summary in (
            summaries.keras_graph(self.model),
            summaries.text("network", table.markdown(self.model)),
            summaries.text("configuration", f"| flag | value |\n| --- | --- |\n{rows}"),
            summaries.text("command_line", f"    {self._command}"),
            summaries.layout(),
            *self._row(),
        ):
            self._log.add(RUN, summary, 0)

    def _row(self) -> Iterator[Summary]:
        """Yields the row of the HParams table, which a study writes itself for its trials."""
        root = self._log.folder.parent
        if not experiment.is_listed(root):
            names = sorted(self._configuration, key=lambda name: name not in _FIRST_COLUMNS)
            yield experiment.columns(
                [Domain(name=name) for name in names],
                [Metric(tag=tag, title=tag, part=VALIDATION) for tag in _METRICS],
            )
            yield experiment.start(self._configuration, experiment.group(root), time.time())

    def _draw(self, step: int) -> None:
        if self._observer:
            look = self._observer.look()
            for summary in drawing.moment(self._observer, look, self._kernels):
                self._log.add(TRAIN, summary, step)
            self._kernels = look.kernels

    def _trace(self, step: int) -> None:
        """Begins or ends the profiler's trace."""
        first, last = self._profile[0], self._profile[-1]
        if not self._is_profiling and first <= step < last:
            tf.profiler.experimental.start(str(self._log.folder / TRAIN))
            self._is_profiling = True
        elif self._is_profiling and step >= last:
            tf.profiler.experimental.stop()
            self._is_profiling = False


def _peak_memory() -> int:
    """Returns the most memory that training has held, in bytes."""
    if tf.config.list_physical_devices("GPU"):
        return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
