"""The entry point of a run, here and on Vertex AI: `python -m trainer.task --help`.

It is short because it only translates: flags and environment variables to the arguments of `trainer.run.train`, and its
result to lines and an exit status. TensorFlow is imported after the flags are parsed.
"""

import contextlib
import datetime
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer import command_line as flags
from trainer import console, interpreter, interval, keras_settings, signals
from trainer.environment import Environment
from trainer.errors import DivergedError, FoldError, MachineLostError, StoppedError, StorageError, UsageError
from trainer.metrics import ACCURACY, METRICS
from trainer.quiet import without_chatter

if TYPE_CHECKING:
    import keras
    from rich.console import Console

    from trainer.data import Dataset
    from trainer.hparams import HParams
    from trainer.objectives.cross_validation.result import CrossValidation
    from trainer.run.train import Result

_COMMAND = "python -m trainer.task"
_UNSAVED = "stopped before the first checkpoint; the same command starts the run again"
_RESUME = "the same command with its --job_dir resumes from the last checkpoint"


def main(
    arguments: Sequence[str],
    variables: Mapping[str, str],
    callbacks: "Sequence[keras.callbacks.Callback]" = (),
    read: "Callable[[HParams, Console], Dataset] | None" = None,
) -> int:
    """Runs a command line and returns the exit status.

    The status is 0 for success, 2 for an invalid flag, file or variable, 3 if the loss is not finite, and 4 if the
    output cannot be written. It is 129, 130 or 143 after SIGHUP, SIGINT or SIGTERM. It is 134 if another machine of the
    cluster has failed; Vertex AI restarts a job with this status only.

    Args:
      arguments: the flags.
      variables: the environment variables.
      callbacks: your own Keras callbacks.
      read: a function that returns the data set, instead of the data set that `--data` names.
    """
    if "--help" in arguments or "-h" in arguments:
        return _help(arguments)
    resume, python = _RESUME, interpreter.word(sys.executable, Path.cwd(), variables.get("PATH"))
    with signals.caught() as stop:
        try:
            hparams = flags.read(arguments)
            named = Environment.read(variables, hparams.job_dir, datetime.datetime.now(), hparams.cache_dir)
            _check_folds(hparams, named, is_own=bool(callbacks or read))
            with named.reserved() as environment:
                if environment.is_new and environment.is_chief:
                    is_all = not (callbacks or read or environment.cluster)  # only the command line was given
                    start = [python, "-m", "trainer.task"] if is_all else []
                    resume = _resume(start, arguments, environment.shown("root"))
                if hparams.folds_before:
                    status = _run_folds(hparams, environment, arguments, variables, stop, resume=resume, python=python)
                else:
                    status = _run(hparams, environment, callbacks, stop, read=read, resume=resume, python=python)
        except UsageError as error:
            return _stop(2, str(error))
        except StoppedError:
            if not stop.requested:
                return _stop(134, f"another machine received a stop signal; {_RESUME}", resume)
        if not stop.requested:
            return status
        folders = (environment.checkpoints, *environment.root.glob("folds/*/checkpoints"))
        is_saved = bool(environment.remotes) or any(any(folder.glob("*")) for folder in folders)
        return _stop(stop.status, f"stopped; {_RESUME}" if is_saved else _UNSAVED, resume)


def _help(arguments: Sequence[str]) -> int:
    try:
        print(flags.help_text(_COMMAND, arguments, console.width(flags.WIDTH)))
    except UsageError as error:
        return _stop(2, str(error))
    return 0


def _run(
    hparams: "HParams",
    environment: Environment,
    callbacks: "Sequence[keras.callbacks.Callback]",
    stop: signals.Stop,
    *,
    read: "Callable[[HParams, Console], Dataset] | None",
    resume: str,
    python: str,
    folds: "CrossValidation | None" = None,
) -> int:
    try:
        with _chatter(hparams), keras_settings.ignored():
            from trainer.run import train
            from trainer.screen import Screen
        result = train.run(hparams, environment, Screen(), callbacks, stop, read=read)
    except DivergedError as error:
        return _stop(3, f"{error}; try a lower `--learning_rate` in a new `--job_dir`")
    except StorageError as error:
        return _stop(4, f"{error}; {_RESUME}", resume)
    except MachineLostError as error:
        return _stop(134, f"{error}; {_RESUME}", resume)
    if environment.is_chief:
        _report(result, environment, python, folds)
    return 0


def _chatter(hparams: "HParams") -> contextlib.AbstractContextManager[None]:
    """Returns a context in which TensorFlow can be imported; its log is shown with `--verbose` alone."""
    return contextlib.nullcontext() if hparams.verbose == "yes" else without_chatter()


def _check_folds(hparams: "HParams", environment: Environment, *, is_own: bool) -> None:
    """Checks that a run can train folds.

    Args:
      hparams: what to train.
      environment: where.
      is_own: whether callbacks, or a function that reads the data, are given.

    Raises:
      UsageError: `--folds` cannot be used there.
    """
    if hparams.folds == "0":
        return
    if environment.cluster:
        machines = len(environment.cluster.workers)
        raise UsageError(f"`--folds` must be used on one machine. Received: a cluster of {machines} machines")
    if not hparams.folds_before:
        return
    if environment.remotes:
        raise UsageError(
            f"`--folds` must be used with `--job_dir` on this machine. Received: {environment.shown('root')}"
        )
    if environment.metric_file:
        raise UsageError(f"`--folds` must be one fold, as in 1/5, in a trial of a study. Received: {hparams.folds}")
    if is_own:
        raise UsageError(
            "`--folds` must be used without callbacks and data of your own, since each fold is a process of its own. "
            f"Received: --folds={hparams.folds}"
        )


def _run_folds(
    hparams: "HParams",
    environment: Environment,
    arguments: Sequence[str],
    variables: Mapping[str, str],
    stop: signals.Stop,
    *,
    resume: str,
    python: str,
) -> int:
    """Trains all folds of a cross-validation, then the final network, and returns the exit status."""
    with _chatter(hparams), keras_settings.ignored():
        from trainer.run import record
        from trainer.screen import Screen, silent
        from trainer.study.folds import session
    record.check(environment.root, hparams)  # before the folds are trained
    session.check_resume(hparams, environment.root)
    rest = flags.without(arguments, ["folds", "job_dir", "quiet", "resume"], flags.run_flags(arguments))
    plan = session.Plan(environment.root, hparams.folds_before, rest, _RESUME, hparams.metric)
    try:
        screen = Screen()
        folds = session.run(plan, screen, stop, variables, silent() if hparams.quiet == "yes" else screen)
    except FoldError as error:
        return _stop(error.status, str(error), resume)
    except StorageError as error:
        return _stop(4, f"{error}; {_RESUME}", resume)
    last = session.final(hparams, environment.root, lambda line: print(line, flush=True))
    return _run(last, environment, (), stop, read=None, resume=resume, python=python, folds=folds)


def _resume(start: Sequence[str], arguments: Sequence[str], root: str) -> str:
    """Returns how to resume a run without `--job_dir`, as a command if its start is `start`."""
    job_dir = f"--job_dir={root}"
    if not start:
        return f"the same command with {shlex.quote(job_dir)} resumes from the last checkpoint"
    rest = flags.without(arguments, ["job_dir"], flags.run_flags(arguments))
    return f"this command resumes from the last checkpoint:\n  {shlex.join([*start, job_dir, *rest])}"


def _report(result: "Result", environment: Environment, python: str, folds: "CrossValidation | None") -> None:
    logs, model, sample = (
        environment.shown("logs"),
        environment.shown("model"),
        [result.sample] if result.sample else [],
    )
    speed = f"{result.seconds:.1f} s at {result.speed:,.0f} {result.samples}/s"
    classify = (
        f"To classify {result.samples}, {'as this one' if result.sample else 'add their files to this'}:",
        f"  {shlex.join([python, '-m', 'trainer.predict', f'--model={model}', *sample])}",
    )
    lines = (
        *_accuracies(result, folds),
        f"  training     {speed if result.seconds else 'already finished'}",
        f"  logs         {logs}",
        f"  checkpoints  {environment.shown('checkpoints')}",
        *([f"  model        {model}/{result.model.name}"] if result.model else []),
        *([f"  report       {result.report}"] if result.report else []),
        *(classify if result.model else ()),
        "To see how it learned, run this and open the address that it prints:",
        f"  {shlex.join([python, '-m', 'trainer.tensorboard', f'--logdir={logs}'])}",
    )
    console.report("\n".join(lines), sys.stdout)


def _accuracies(result: "Result", folds: "CrossValidation | None") -> Iterator[str]:
    if result.measured and result.tested:
        yield f"{result.measured} ({result.tested:,} {result.samples})"
    elif result.tested:
        yield f"test accuracy {interval.percent(result.test_accuracy, result.tested, result.samples)}"
    yield from _metric(result.outcome, is_measured=bool(result.measured))
    if folds:
        yield folds.summary()


def _metric(outcome: Mapping[str, Any], *, is_measured: bool = False) -> Iterator[str]:
    """Yields a line about `--metric` unless it is the accuracy.

    Args:
      outcome: of the run.
      is_measured: whether the line before has the metrics of the test samples: labels have an F1 with chosen
        thresholds there, beside which one from 0.5 is confusing.
    """
    for metric in METRICS.values():
        best = outcome.get(f"best_{metric.tag}")
        if metric is not ACCURACY and best is not None:
            tested = outcome.get(f"test_{metric.name}")
            is_new = tested is not None and (metric.name == "loss" or not is_measured)
            test = "" if not is_new else f"test {metric.name} {tested:.4f}, "
            yield f"{test}best {metric.tag} {best:.4f} at epoch {outcome['best_epoch']}"


def _stop(status: int, reason: str, resume: str = _RESUME) -> int:
    """Prints the reason for the end and how to resume, and returns the status."""
    console.report(f"trainer: {reason.replace(_RESUME, resume)}")
    return status


if __name__ == "__main__":
    console.prepare()
    sys.exit(main(sys.argv[1:], os.environ))
