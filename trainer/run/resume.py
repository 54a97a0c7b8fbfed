"""How a run begins where a former one of the same folder stopped, and how it ends so that another can."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from rich.console import Console

from trainer import files
from trainer.environment import Phase
from trainer.errors import StoppedError, StorageError, UsageError
from trainer.objectives import classes
from trainer.objectives.outputs import Outputs
from trainer.run import disk, folds, record, saved_model
from trainer.run.plan import Plan
from trainer.serving import export
from trainer.signals import Stop
from trainer.training import devices, reduced
from trainer.training import state as states
from trainer.training.checkpoint import DamagedError, Store
from trainer.training.loop import Loop
from trainer.training.save import SaveCheckpoint

_SAMPLE = "sample"  # the file's name, without its suffix


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

    The accuracy is NaN if there is no test part. All machines call this, and all get the accuracy.

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
    # An earlier version recorded neither, and gave no run more epochs.
    epochs, exported = result.get("epochs", plan.length.ends[0]), result.get("exported", "last")
    if (epochs, exported) != (plan.length.epochs, plan.hparams.export):
        result = {}
    is_there = export.is_whole(environment.model) and not saved_model.is_missing(plan)
    is_there = is_there or (folds.is_fold(plan) and export.is_deleted(environment.model))
    if result and not (is_there and folds.has_predictions(plan)):
        result = {}
    found = result.get("test_accuracy", -1.0)
    accuracy = np.float64(np.nan if found is None else found)
    (accuracy,) = devices.from_chief(plan.strategy, environment.cluster, [accuracy])
    if accuracy < 0:
        return None
    return float(accuracy), environment.model / result["model"] if result else None


def measured(store: Store) -> str:
    """Returns what the test samples say of a finished run in one line; empty for classes."""
    return str((store.result() or {}).get("measured", ""))


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
    if not content:
        return None
    state: dict[str, Any] = states.unpack(content)
    if state["epoch"] < plan.length.epochs and state["epoch"] in plan.length.ends and not state["steps_in_epoch"]:
        state["stop_training"] = False  # a callback has stopped it, and now it is given more epochs
    if environment.phase is Phase.STOPPED:
        state["stop_training"] = True
    return state


def take_best(loop: Loop, plan: Plan, store: Store, save: SaveCheckpoint, screen: Console) -> int:
    """Gives the model, on every machine, the weights of the best epoch, and returns the step at its end.

    Where the checkpoint of that epoch cannot be read, the model keeps the weights that it has, and a line says so.
    """
    content, (_, step), environment = b"", save.best, plan.environment
    if environment.is_chief and step != loop.step:
        save.wait()
        try:
            content = store.at(step)
        except (OSError, DamagedError) as error:
            screen.out(f"checkpoint {step} of the best epoch: {error}; exports the last epoch", highlight=False)
            step = loop.step
    content = devices.bytes_from_chief(plan.strategy, environment.cluster, content)
    if content:
        loop.take_weights(states.unpack(content))
    return step


def report_again(reports: Sequence[keras.callbacks.Callback], store: Store) -> None:
    """Reports a finished run's metric to the tuning service again: a trial without a metric is infeasible."""
    found = store.newest(lambda line: None) if reports else None
    if found:
        states.restore_callbacks(reports, states.unpack(found[1])["callbacks"])


def sample(plan: Plan) -> str:
    """Returns a file with a sample that a finished run's model can classify; empty if there is none on this machine."""
    environment = plan.environment
    written = sorted(environment.model.glob(f"{_SAMPLE}.*")) if not environment.remotes else []
    return plan.dataset.sample or next(map(str, written), "")


def finish(
    model: keras.Model,
    plan: Plan,
    store: Store,
    results: Mapping[str, np.ndarray],
    *,
    meaning: Outputs,
    outcome: Mapping[str, Any],
    explanation: Mapping[str, Any] | None = None,
) -> Path:
    """Exports the model and a sample, completes the record and the newest checkpoint, and returns the model's file.

    A fold of a cross-validation also writes its predictions.

    Args:
      model: trained.
      plan: the run.
      store: its checkpoints.
      results: of the test part; empty if there is none.
      meaning: of the outputs.
      outcome: what the run has reached, for its record.
      explanation: which attributions are the most faithful; None if unknown.
    """
    dataset, count = plan.dataset, plan.dataset.classes
    accuracy = float(results["accuracy"]) if "accuracy" in results else None
    measured = plan.objective.measured
    said = measured(results, meaning) if measured and results else None
    recorded = {**plan.record, record.OUTCOME: dict(outcome)}
    about = export.About(
        outputs=meaning,
        measured=said,
        form=dataset.form,
        samples={part: len(getattr(dataset, part)) for part in ("train", "validation", "test")},
        confusion=results.get(classes.CONFUSION, np.zeros((count, count))).astype(np.int64),
        accuracy=accuracy,
        cross_validation=plan.cross_validation,
        record=recorded,
        explanation=explanation or {},
    )
    if not dataset.sample:  # as files a person can pass to the model
        suffix, content = dataset.example()
        files.replace(plan.environment.model / f"{_SAMPLE}{suffix}", content)
    folds.write_predictions(model, plan, meaning)
    path = export.save(model, plan.environment.model, about, with_graph=saved_model.is_wanted(plan))
    record.write(plan.environment.root, recorded)
    exported = {"epochs": plan.length.epochs, "exported": plan.hparams.export}
    summary = {"measured": said.summary} if said else {}
    if disk.is_reduced(plan):
        reduced.reduce_best(store, len(model.variables))
    store.finish({"test_accuracy": accuracy, "model": path.name, **exported, **summary})
    return path
