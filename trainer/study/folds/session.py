"""The folds of a cross-validation on this machine, one after the other, each a run in a forked process.

A fold is a run in its own folder, `<root>/folds/<number>`, which resumes like any run. So the state of a
cross-validation is that of its runs: the same command starts each fold again, and one that has ended returns at once.
"""

import dataclasses
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from rich.console import Console

from trainer import files
from trainer.data.held_out import FOLDER, HeldOut, path_of
from trainer.environment import PRECISION_FILE
from trainer.errors import FoldError, StoppedError, UsageError
from trainer.hparams import AUTO, UNTIL_BEST, HParams
from trainer.objectives.cross_validation.choice import cross_validation
from trainer.objectives.cross_validation.result import CrossValidation
from trainer.signals import Stop
from trainer.study.folds import summary
from trainer.study.folds.progress import Progress
from trainer.study.local import claim, layout, models, outcome
from trainer.study.local.claim import Words
from trainer.study.local.server import Server

_TICK = 0.2  # seconds between two looks at the log of a fold
_STARTS = 3  # of a fold that a signal ends, as a machine with little memory does
_DIVERGED, _STORAGE = 3, 4  # exit statuses
_STOPPED = (129, 130, 143)  # by a signal that the fold alone has received
_PRECISION = "precision.json"
_WORDS = Words(
    other="that no other process trains in",
    former="that no fold of a previous command writes to",
    waiting="waiting until the fold of the previous command saves and ends",
)


@dataclasses.dataclass(frozen=True)
class Plan:
    """The folds to train.

    Attributes:
      root: the folder of the run.
      count: the number of folds.
      arguments: the flags of each fold, without `--folds`, `--job_dir` and `--resume`.
      go_on: how the command resumes, for messages.
      metric: the value of `--metric`.
      has_final: whether a final network follows.
    """

    root: Path
    count: int
    arguments: Sequence[str]
    go_on: str
    metric: str = AUTO
    has_final: bool = True

    @property
    def folder(self) -> Path:
        """The folder of the folds."""
        return self.root / FOLDER


def run(
    plan: Plan, screen: Console, stop: Stop, variables: Mapping[str, str], notes: Console | None = None
) -> CrossValidation:
    """Trains or resumes all folds, shows and writes their result, and returns it.

    Args:
      plan: the folds.
      screen: shows the result.
      stop: whether the program is asked to stop.
      variables: the environment variables.
      notes: shows a line for each fold; None is `screen`.

    Raises:
      UsageError: the folder cannot take these folds, or the data changed between two of them.
      FoldError: a fold failed.
      StorageError: the result cannot be written.
      StoppedError: the program was asked to stop; the folds can be resumed.
    """
    _check_folder(plan)
    notes = notes or screen
    notes.out(f"cross-validation with {plan.count} folds; the output of each is in {plan.folder}/…/log.txt")
    # A fold that is told to stop ends within its own deadline.
    with (
        stop.deferred(),
        stop.saving(),
        claim.claimed(plan.folder, _WORDS, screen.out, lambda: stop.requested, time.sleep) as lock,
        Server("fork", lock, variables) as server,
    ):
        times = summary.read_times(plan.folder)
        for number in range(1, plan.count + 1):
            is_known = str(number) in times and path_of(plan.root, number).exists()
            seconds = _Fold(plan, number, server, variables).train(notes, stop)
            if not is_known:
                times[str(number)] = round(seconds, 1)
                summary.write_times(plan.folder, times)
            models.delete(layout.folder(plan.folder, number), models.PREDICTING)
            found = cross_validation([_predictions(plan, number)], plan.metric).fold(1)
            notes.out(f"fold {number} of {plan.count}: {found} in {times[str(number)]:.1f} s")
    summary.check_same_data(plan.folder, plan.count)
    result = cross_validation([_predictions(plan, number) for number in range(1, plan.count + 1)], plan.metric)
    summary.write(plan.root, result, times)
    for line in summary.lines(result, has_final=plan.has_final):
        screen.out(line)
    return result


def final(hparams: HParams, root: Path, log: Callable[[str], object]) -> HParams:
    """Returns the hyperparameters of the final run; with `--epochs=auto`, it takes the folds' median of best epochs.

    Args:
      hparams: of the cross-validation.
      root: the folder of the run, in which all folds have ended.
      log: receives a line about the number of epochs.
    """
    hparams = dataclasses.replace(hparams, resume="auto")  # `must` and `never` are for the whole cross-validation
    if hparams.epochs != UNTIL_BEST:
        return hparams
    epochs = round(statistics.median(summary.best_epochs(root / FOLDER, hparams.folds_before)))
    log(f"epochs {epochs}: the median of the best epochs of the folds")
    return dataclasses.replace(hparams, epochs=epochs, patience=0)


def check_resume(hparams: HParams, root: Path) -> None:
    """Checks that `--resume` allows what is in the folder of the run.

    Raises:
      UsageError: it does not.
    """
    has_begun = any((root / FOLDER).glob("[0-9]*"))
    if hparams.resume == "never" and has_begun:
        raise UsageError(f"`--job_dir` must be new with `--resume=never`. Received: {root}")
    if hparams.resume == "must" and not has_begun:
        raise UsageError(f"`--job_dir` must contain a run with `--resume=must`. Received: {root}")


class _Fold:
    """One fold.

    Args:
      plan: the folds.
      number: of the fold, from 1.
      server: starts its run.
      variables: the environment variables of this process.
    """

    def __init__(self, plan: Plan, number: int, server: Server, variables: Mapping[str, str]):
        self._plan, self._number, self._server = plan, number, server
        # All folds compute in the precision that the first one chose.
        own = {PRECISION_FILE: str(plan.folder / _PRECISION)}
        self._variables = {**layout.without_folders(variables), **own}
        self._log = layout.log(plan.folder, number)
        self._seconds = 0.0

    def train(self, screen: Console, stop: Stop) -> float:
        """Returns the seconds that the run took, once it has ended.

        Raises:
          FoldError: it failed.
          StoppedError: the program was asked to stop.
        """
        folder = self._log.parent.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        words = [*self._plan.arguments, f"--folds={self._number}/{self._plan.count}", f"--job_dir={folder}"]
        with Progress(screen, f"fold {self._number} of {self._plan.count}", self._log) as progress:
            for _ in range(_STARTS):
                self._server.start(self._number, words, self._variables, self._log, layout.cores())
                status = self._status(progress, stop)
                if status >= 0 and status not in (*outcome.RETRIED, *_STOPPED):
                    break
        if status:
            raise self._failure(status)
        return self._seconds

    def _status(self, progress: Progress, stop: Stop) -> int:
        """Returns the exit status of the run when it has ended."""
        begin = time.monotonic()
        for event in self._events(progress, stop):
            if "started" in event:  # the first one waits until the server has loaded TensorFlow
                begin = time.monotonic()
            if event.get("ended") == self._number:
                self._seconds += time.monotonic() - begin
                return int(event["status"])
        raise StoppedError

    def _events(self, progress: Progress, stop: Stop) -> Iterator[Mapping[str, int]]:
        while not stop.requested:
            try:
                yield from self._server.events(_TICK)
            except ChildProcessError as error:
                reason = str(error).replace("trials", "folds")
                raise FoldError(_STORAGE, f"{reason}; {self._plan.go_on}") from None
            progress.update()

    def _failure(self, status: int) -> FoldError:
        """Returns the error of a run that ended with a status other than 0."""
        log = outcome.last_lines(self._log)
        said = [line.removeprefix(outcome.OURS) for line in log.splitlines() if line.startswith(outcome.OURS)]
        _, reason = outcome.judge(status, (), "accuracy", False, log)
        where = f"fold {self._number} of {self._plan.count}"
        if status in (2, _DIVERGED, _STORAGE) and said:
            return FoldError(status, f"{where}: {said[-1]}")
        return FoldError(128 - status if status < 0 else status, f"{where}: {reason}; {self._plan.go_on}")


def _predictions(plan: Plan, number: int) -> HeldOut:
    return HeldOut.read(path_of(plan.root, number))


def _check_folder(plan: Plan) -> None:
    own = [*map(str, range(1, plan.count + 1)), _PRECISION, summary.TIMES]
    try:
        found = files.strangers(plan.folder, own)
    except OSError as error:
        raise UsageError(
            f"`--job_dir` must be a folder that can be read. Received: {plan.folder} ({error.strerror})"
        ) from None
    if found:
        raise UsageError(
            f"`--job_dir` must be new, or contain a run of the same configuration. Received: {plan.folder}, which "
            f"contains {found[0]}"
        )
