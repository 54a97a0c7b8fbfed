"""How a run begins where a former one of the same folder stopped, and how it ends so that another can."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from rich.console import Console

from trainer.errors import StoppedError, StorageError, UsageError
from trainer.objectives import classes
from trainer.run.plan import Plan
from trainer.serving import export
from trainer.signals import Stop
from trainer.training import devices
from trainer.training import state as states
from trainer.training.checkpoint import Store
from trainer.training.save import SaveCheckpoint


@contextlib.contextmanager
def saved(save: SaveCheckpoint | None, stop: Stop) -> Iterator[None]:
    """Saves the state when the block ends, whether the training is complete or was told to stop."""
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


def finished(plan: Plan, store: Store) -> tuple[float, Path | None] | None:
    """Returns the test accuracy and the model's file of a run that was finished before; else nothing.

    All machines call this, and all get the accuracy.

    Raises:
      UsageError: `--resume` does not allow what is there.
    """
    result: Mapping[str, Any] = {}
    environment = plan.environment
    if environment.is_chief:
        if plan.hparams.resume == "never" and store.exists():
            raise UsageError(f"`--job_dir` must be new with `--resume=never`. Received: {environment.root}")
        if plan.hparams.resume == "must" and not store.exists():
            raise UsageError(f"`--job_dir` must contain a run with `--resume=must`. Received: {environment.root}")
        result = store.result() or {}
    if result and not export.is_whole(environment.model):
        result = {}
    accuracy = np.float64(result.get("test_accuracy", -1.0))
    (accuracy,) = devices.from_chief(plan.strategy, environment.cluster, [accuracy])
    if accuracy < 0:
        return None
    return float(accuracy), environment.model / result["model"] if result else None


def read_state(plan: Plan, store: Store, screen: Console) -> Mapping[str, Any] | None:
    """Returns, on every machine, the state in the chief's newest sound checkpoint; nothing where there is none.

    Raises:
      UsageError: there is none, and `--resume=must`; or it is of another configuration.
    """
    content, environment = b"", plan.environment
    if environment.is_chief:
        found = store.newest(lambda line: screen.out(line, highlight=False))
        if found is None and plan.hparams.resume == "must":
            raise UsageError(
                f"`--job_dir` must contain an undamaged checkpoint with `--resume=must`. Received: {environment.root}"
            )
        content = found[1] if found else b""
    content = devices.bytes_from_chief(plan.strategy, environment.cluster, content)
    return states.unpack(content) if content else None


def report_again(reports: Sequence[keras.callbacks.Callback], store: Store) -> None:
    """Reports a finished run's metric to the tuning service again: a trial without a metric is infeasible."""
    found = store.newest(lambda line: None) if reports else None
    if found:
        states.restore_callbacks(reports, states.unpack(found[1])["callbacks"])


def finish(
    model: keras.Model,
    plan: Plan,
    store: Store,
    results: Mapping[str, np.ndarray],
    explanation: Mapping[str, Any] | None = None,
) -> Path:
    """Exports the model, adds the result to the newest checkpoint, and returns the model's file.

    Args:
      model: trained.
      plan: the run.
      store: its checkpoints.
      results: of the test part.
      explanation: which attributions are the most faithful; None if unknown.
    """
    dataset, accuracy = plan.dataset, float(results["accuracy"])
    about = export.About(
        classes=dataset.class_names,
        form=dataset.form,
        samples={part: len(getattr(dataset, part)) for part in ("train", "validation", "test")},
        confusion=results[classes.CONFUSION].astype(np.int64),
        accuracy=accuracy,
        record=plan.record,
        explanation=explanation or {},
    )
    path = export.save(model, plan.environment.model, about)
    store.finish({"test_accuracy": accuracy, "model": path.name})
    return path
