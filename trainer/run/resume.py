"""How a run begins where a former one of the same folder stopped, and how it ends so that another can."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from rich.console import Console

from trainer import data
from trainer.data.form import Form
from trainer.environment import Environment
from trainer.errors import StoppedError, StorageError, UsageError
from trainer.hparams import HParams
from trainer.objectives import scores
from trainer.serving import export
from trainer.signals import Stop
from trainer.training import devices
from trainer.training import state as states
from trainer.training.checkpoint import Store
from trainer.training.save import SaveCheckpoint


@contextlib.contextmanager
def saved(save: SaveCheckpoint | None, stop: Stop) -> Iterator[None]:
    """Has the state on the disk when what is within ends, whether it came to its end or was told to stop."""
    try:
        yield
    except StoppedError:
        if save:
            with stop.saving():
                save.save()
                save.wait()
        raise
    if save:
        save.wait()


@contextlib.contextmanager
def named_failures() -> Iterator[None]:
    """Gives a file that cannot be written its name and reason."""
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        raise StorageError(f"{error.filename or 'the output'} cannot be written: {error.strerror or error}") from error


def finished(
    store: Store, hparams: HParams, environment: Environment, strategy: tf.distribute.Strategy
) -> tuple[float, Path | None] | None:
    """Returns the test accuracy and the model's file of a run that was finished before; else nothing.

    All machines call this, and all get the accuracy.

    Raises:
      UsageError: `--resume` does not allow what is there.
    """
    result: Mapping[str, Any] = {}
    if environment.is_chief:
        if hparams.resume == "never" and store.exists():
            raise UsageError(f"`--job_dir` must be new where `--resume=never`. Received: {environment.root}")
        if hparams.resume == "must" and not store.exists():
            raise UsageError(f"`--job_dir` must hold a run where `--resume=must`. Received: {environment.root}")
        result = store.result() or {}
    if result and not export.is_whole(environment.model):
        result = {}
    (accuracy,) = devices.from_chief(strategy, environment.cluster, [np.float64(result.get("test_accuracy", -1.0))])
    if accuracy < 0:
        return None
    return float(accuracy), environment.model / result["model"] if result else None


def read_state(
    store: Store, hparams: HParams, environment: Environment, strategy: tf.distribute.Strategy, screen: Console
) -> Mapping[str, Any] | None:
    """Returns, on every machine, the state in the chief's newest sound checkpoint; nothing where there is none.

    Raises:
      UsageError: there is none, and `--resume=must`; or it is of another configuration.
    """
    content = b""
    if environment.is_chief:
        found = store.newest(lambda line: screen.out(line, highlight=False))
        if found is None and hparams.resume == "must":
            raise UsageError(
                f"`--job_dir` must hold a sound checkpoint where `--resume=must`. Received: {environment.root}"
            )
        content = found[1] if found else b""
    content = devices.bytes_from_chief(strategy, environment.cluster, content)
    return states.unpack(content) if content else None


def finish(
    model: keras.Model, dataset: data.Dataset, store: Store, environment: Environment, test_accuracy: float
) -> Path:
    """Exports the model, notes what the run came to, and returns the model's file."""
    recorded = json.loads((environment.root / "hparams.json").read_bytes())
    about = export.About(
        classes=dataset.class_names,
        form=Form(dataset.input_shape[:-1], dataset.input_shape[-1]),
        images={part: len(getattr(dataset, part)) for part in ("train", "validation", "test")},
        confusion=_confusion(model, dataset),
        accuracy=test_accuracy,
        record=recorded,
    )
    path = export.save(model, environment.model, about)
    store.finish({"test_accuracy": test_accuracy, "model": path.name})
    return path


def _confusion(model: keras.Model, dataset: data.Dataset) -> scores.Counts:
    """Returns how many of the test images of each class the model takes for which."""
    (classes,) = model.output_shape[1:]
    taken = tf.function(lambda images: tf.argmax(model(images, training=False), axis=1), reduce_retracing=True)
    counts = np.zeros((classes, classes), np.int64)
    for images, labels in data.evaluation_batches(dataset.test):
        counts += scores.count(labels.numpy(), taken(images).numpy(), classes)
    return counts
