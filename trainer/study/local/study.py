"""A study on this machine, from its first line on the screen to its last."""

import datetime
import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich.console import Console

from trainer.buckets.location import is_remote
from trainer.errors import UsageError
from trainer.signals import Stop
from trainer.study.local import layout
from trainer.study.local.ledger import NAME, Ledger
from trainer.study.local.runner import Runner
from trainer.study.local.server import Server
from trainer.study.screen import conclusion, page
from trainer.study.screen.table import LiveTable
from trainer.study.search.importance import importance
from trainer.study.search.suggestions import suggest
from trainer.study.spec import Job
from trainer.study.trial import ENDED, Trial

FAILED = 1  # exit status of a study in which too many trials failed


def run(
    job: Job,
    folder: Path,
    seed: int,
    isolation: str,
    command: Sequence[str],
    *,
    screen: Console,
    stop: Stop,
    variables: Mapping[str, str],
) -> int:
    """Runs a study, or goes on with it, and returns the exit status: 0, or 1 where too many trials failed.

    Args:
      job: the study.
      folder: takes `study.json` and one folder for each trial.
      seed: of the suggestions.
      isolation: `fork` or `process`.
      command: the command line that goes on with it, Python first.
      screen: what a person watches.
      stop: whether the program was told to stop.
      variables: the environment variables.

    Raises:
      UsageError: the folder cannot take this study.
      StorageError: the folder can no longer be written.
      ChildProcessError: the process that starts the trials was killed.
      StoppedError: the program was told to stop; the study can go on another time.
    """

    def tell(line: str) -> None:
        screen.out(line, highlight=False)

    ledger = Ledger(folder, job, seed)
    with stop.deferred(), ledger.claimed(tell, lambda: stop.requested) as lock:
        ledger = Ledger(folder, job, seed)  # as the former study has left it
        before = [trial for trial in ledger.trials if trial.state in ENDED]
        if ledger.trials:
            tell(f"goes on with {len(before)} of {job.max_trials} trials done")
        else:
            ledger.put()
        page.write(job, ledger.trials, folder)  # trials that find it write no row of their own
        tell(f"study in {folder}; if it is stopped or killed, this goes on with it:\n  {shlex.join(command)}")
        with Server(isolation, lock, variables) as server, LiveTable(job, screen, known=before) as table:
            runner = Runner(
                job,
                ledger,
                server,
                lambda trials: suggest(job, trials, seed),
                variables={**variables, **layout.container_variables(job.document)},
                cores=cores(),
            )
            state = runner.run(lambda: stop.requested, _shown(table, folder, job))
        if state:
            conclude(job, ledger, state, screen, command[0])
    return 0 if state == "SUCCEEDED" else FAILED


def conclude(job: Job, ledger: Ledger, state: str, screen: Console, python: str = "python") -> None:
    """Writes what a study came to, and shows it with commands that begin with `python`."""
    shares = importance(job, ledger.trials)
    ledger.conclude(state, {"importance": shares, **conclusion.commands(job, ledger.trials, ledger.folder)})
    page.write(job, ledger.trials, ledger.folder)
    text = conclusion.text(job, ledger.trials, shares, ledger.folder, width=screen.width, python=python)
    screen.out(f"{text}\n\nEverything a program wants is in {ledger.folder / NAME}.", highlight=False)


def place(job_dir: str, now: datetime.datetime) -> Path:
    """Returns the folder of a study: `job_dir`, else a new one below `runs`.

    Raises:
      UsageError: it is in a bucket.
    """
    if is_remote(job_dir):
        raise UsageError(f"`--job_dir` of a study must be a folder on this machine. Received: {job_dir}")
    return Path(job_dir or f"runs/study-{now:%Y%m%d-%H%M%S}").expanduser().absolute()


def cores() -> list[int]:
    """Returns the numbers of the cores that this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def _shown(table: LiveTable, folder: Path, job: Job) -> Callable[[Sequence[Trial]], None]:
    """Returns what shows trials on the screen and, whenever something has happened, in TensorBoard."""
    known: list[Trial] = []

    def show(trials: Sequence[Trial]) -> None:
        table.update(trials)
        if list(trials) != known:
            known[:] = trials
            page.write(job, trials, folder)

    return show
