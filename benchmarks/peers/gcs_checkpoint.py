"""Checkpoints in a bucket: ours, written to a local folder and sent in the background, and TensorFlow's."""

import functools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.peers import gcs_log

_VARIABLES = 10

Saved = tuple[float, float]  # the start, by the clock of all processes, and the seconds of the training thread


def ours(bucket: str, megabytes: float, folder: str) -> Saved:
    """Saves as a run does, from a local folder; the bucket reports when the checkpoint arrives."""
    return _timed(_saving(bucket, megabytes, folder).save, megabytes)


def theirs(bucket: str, megabytes: float) -> Saved:
    """Saves with TensorFlow's manager."""
    _, manager = _managed(bucket, megabytes)
    return _timed(manager.save, megabytes)


def theirs_beside(bucket: str, megabytes: float) -> Saved:
    """Saves with TensorFlow's manager, which writes in a thread; returns after the thread has ended."""
    import tensorflow as tf

    checkpoint, manager = _managed(bucket, megabytes)
    saved = _timed(lambda: manager.save(options=tf.train.CheckpointOptions(enable_async=True)), megabytes)
    checkpoint.sync()
    return saved


def _timed(save: Callable[[], object], megabytes: float) -> Saved:
    for variable in _variables(megabytes):
        variable.assign(variable + 1.0)  # otherwise the checkpoint would be the same
    begun, begin = time.monotonic(), time.perf_counter()
    save()
    return begun, time.perf_counter() - begin


@functools.cache
def _variables(megabytes: float) -> list[Any]:
    import tensorflow as tf

    size = int(megabytes * 1e6 / 4 / _VARIABLES)
    return [tf.Variable(tf.random.normal([size], seed=index)) for index in range(_VARIABLES)]


@functools.cache
def _saving(bucket: str, megabytes: float, folder: str) -> Any:
    """Returns the callback that saves, with the agent of the bucket."""
    from trainer.training.checkpoint import Store
    from trainer.training.save import Every, SaveCheckpoint

    storage, steps = gcs_log.storage(bucket, Path(folder)), iter(range(1, 1 << 30))
    storage.look()
    storage.begin()
    storage.start()

    def state() -> dict[str, Any]:  # the same copies as in `trainer.training.loop`
        step, variables = next(steps), [variable.numpy() for variable in _variables(megabytes)]
        position = {"step": step, "stage": 0, "epoch": 0, "steps_in_epoch": step, "stop_training": False}
        return {**position, "variables": variables}

    return SaveCheckpoint(Store(Path(folder) / "checkpoints", {}), state, Every())


@functools.cache
def _managed(bucket: str, megabytes: float) -> tuple[Any, Any]:
    import tensorflow as tf

    checkpoint = tf.train.Checkpoint(variables=_variables(megabytes))
    return checkpoint, tf.train.CheckpointManager(checkpoint, f"gs://{bucket}/run/checkpoints", max_to_keep=2)
