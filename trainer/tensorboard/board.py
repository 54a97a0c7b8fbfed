"""The callbacks that write a run's output for TensorBoard, and their common beginning and end."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras

from trainer import command_line
from trainer.data.form import Form
from trainer.data.kinds.known import kind_of
from trainer.errors import StoppedError
from trainer.hparams import HParams
from trainer.insight.observer import Examples
from trainer.objectives import goals
from trainer.tensorboard import experiment
from trainer.tensorboard.introduction import Introduction
from trainer.tensorboard.log import RUN, TRAIN, Log
from trainer.tensorboard.pictures import Pictures
from trainer.tensorboard.profile import Profile
from trainer.tensorboard.scalars import Scalars
from trainer.tensorboard.schedule import Schedule
from trainer.tensorboard.stopwatch import Stopwatch
from trainer.training import state as states


def callbacks(
    log: Log,
    hparams: HParams,
    schedule: Schedule,
    *,
    target: str,
    samples: int,
    form: Form | None = None,
    examples: Examples | None = None,
    lag: Callable[[], float] | None = None,
) -> list[keras.callbacks.Callback]:
    """Returns the callbacks that write a run's log, in the order in which they need each event.

    The trace ends before the last pictures are made, and the steps are timed before pictures stop the watch.

    Args:
      log: of the run.
      hparams: what is trained.
      schedule: when pictures are made and a trace is taken.
      target: classes, labels or numbers.
      samples: in each epoch of the training.
      form: of the samples; with None, the table of layers has no units, and samples are drawn as images.
      examples: validation samples; with None, nothing observes the network.
      lag: returns the seconds by which a bucket is behind; None without a bucket.
    """
    watch, metric = Stopwatch(), goals.metric_of(target, hparams.metric)
    metrics = [*dict.fromkeys((metric.name, goals.BY_TARGET[target][0].name, "loss"))]
    return [
        Introduction(log, hparams.configuration(), command_line.command(hparams), metrics, form),
        Profile(log.folder / TRAIN, schedule.profile),
        Scalars(log, samples, watch, lag, noun=kind_of(form).name if form else "image"),
        Pictures(log, watch, examples, schedule.pictures, hparams.batch_size),
    ]


def sizes(callbacks: Mapping[str, Any]) -> Mapping[str, int]:
    """Returns the sizes of the event files when a run was saved, for `Log`, from the saved states of all callbacks."""
    found: Mapping[str, int] = callbacks[states.name_of(Scalars)]["sizes"]
    return found


@contextlib.contextmanager
def session(log: Log, callbacks: Sequence[keras.callbacks.Callback] = ()) -> Iterator[None]:
    """Records in the HParams table how the block ended, and closes the log.

    Args:
      log: of the run.
      callbacks: that write to it. If the run was stopped, pictures that are not drawn yet are left to the resumed run.

    Raises:
      StorageError: the block succeeded, and the log cannot be written.
    """
    status = experiment.FAILED
    try:
        yield
        status = experiment.SUCCESS
    except StoppedError:
        status = experiment.STOPPED
        raise
    finally:
        failures = contextlib.nullcontext() if status == experiment.SUCCESS else contextlib.suppress(Exception)
        for pictures in (one for one in callbacks if isinstance(one, Pictures)):
            with failures:
                pictures.close(is_complete=status != experiment.STOPPED)
        with failures:
            log.add(RUN, experiment.end(status, time.time()), 0)
            log.close()
