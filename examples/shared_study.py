"""One study on several machines: each of them runs this script, with the same files, on a folder that all share.

    python examples/shared_study.py --study=/shared/study --config=config.yaml --data=digits --epochs=2

The trials are in Optuna's journal, `<study>/journal.log`. The parameters are those that `python -m trainer.study` would
suggest for the same results. Each trial is one `python -m trainer.task` in `<study>/<trial>`.

A trial belongs to the process that holds the lock on `<study>/<trial>/.claim`. Its `trainer.task` inherits the lock,
and the kernel releases it when both have ended, however they end. Another process then resumes the trial from its last
checkpoint. So a machine can be killed at any moment, and no trial is lost or runs twice.
"""

import argparse
import contextlib
import dataclasses
import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState, create_trial

from trainer.errors import UsageError
from trainer.study.config import document
from trainer.study.local import layout, outcome
from trainer.study.local.metric_file import MetricFile
from trainer.study.search.space import Space, count
from trainer.study.search.stopping import failures_allowed
from trainer.study.search.suggestions import suggest
from trainer.study.spec import LOG, Job, Parameter
from trainer.study.trial import ACTIVE, INFEASIBLE, SUCCEEDED, Measurement, Trial

SEED = 0  # of the suggestions
STOPPED = (129, 130, 143)  # exit statuses of a run that was asked to stop and can resume
STATES = {TrialState.RUNNING: ACTIVE, TrialState.COMPLETE: SUCCEEDED, TrialState.FAIL: INFEASIBLE}


class SharedStudy:
    """A study in a folder that several processes work on.

    Args:
      folder: the folder, absolute; created if it does not exist.
      job: what is tuned, and how.

    Raises:
      UsageError: the folder contains a study of another configuration.
    """

    def __init__(self, folder: Path, job: Job):
        self.folder, self.job = folder, job
        folder.mkdir(parents=True, exist_ok=True)
        with self._alone():
            self.optuna = optuna.create_study(
                storage=JournalStorage(JournalFileBackend(str(folder / "journal.log"))),
                study_name=job.name,
                direction="maximize" if job.maximize else "minimize",
                load_if_exists=True,
            )
            parameters = [dataclasses.asdict(parameter) for parameter in job.parameters]
            mine = json.dumps([job.metric, job.algorithm, job.selection, list(job.arguments), parameters])
            if self.optuna.user_attrs.get("job", mine) != mine:
                raise UsageError(f"`--study` must be new, or a study of the same file and flags. Received: {folder}")
            self.optuna.set_user_attr("job", mine)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Lets one process at a time read the trials and add or end one."""
        with (self.folder / ".lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def next(self) -> tuple[FrozenTrial, IO[str]] | None:
        """Returns a trial without a process, or else a new one, with the lock on it; None if there is none now."""
        with self._alone():
            trials = self.optuna.get_trials(deepcopy=False)
            for trial in trials:
                if trial.state == TrialState.RUNNING and (claim := self._claimed(trial.number)):
                    return trial, claim
            known = [_known(trial) for trial in trials]
            if len(trials) >= self.job.max_trials or not failures_allowed(self.job, known):
                return None
            values = suggest(self.job, known, SEED)
            if values is None:
                return None
            axes = {axis.parameter.name: axis.parameter for axis in Space(self.job.parameters).axes}
            distributions = {name: _distribution(axes[name]) for name in values}
            self.optuna.add_trial(create_trial(state=TrialState.RUNNING, params=values, distributions=distributions))
            added = self.optuna.get_trials(deepcopy=False)[-1]
            claim = self._claimed(added.number)
            return (added, claim) if claim else None

    def _claimed(self, number: int) -> IO[str] | None:
        """Returns the lock on a trial; None if another process has it."""
        root = layout.folder(self.folder, number)
        root.mkdir(exist_ok=True)
        file = (root / ".claim").open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        return file

    def run(self, trial: FrozenTrial, claim: IO[str]) -> int:
        """Runs or resumes a trial, and returns its exit status."""
        variables = layout.environment(self.folder, self.job.name, trial.number, os.environ)
        words = layout.arguments(self.job.arguments, trial.params)
        with layout.log(self.folder, trial.number).open("ab") as log:
            command = [sys.executable, "-m", "trainer.task", *words]
            with subprocess.Popen(command, env=variables, stdout=log, stderr=log, pass_fds=[claim.fileno()]) as process:
                return process.wait()

    def end(self, trial: FrozenTrial, claim: IO[str], status: int) -> str:
        """Records the result of a trial that has ended, releases the lock, and returns a line about it."""
        job, number = self.job, trial.number
        reports = MetricFile(layout.metric_file(self.folder, number), job.metric).read()
        measured = tuple(Measurement(report.step, report.value) for report in reports)
        last_lines = outcome.last_lines(layout.log(self.folder, number))
        state, reason = outcome.judge(status, measured, job.metric, False, last_lines)
        ended = Trial(id=number, parameters=trial.params, state=state, measurements=measured)
        result = ended.result(job.selection, job.maximize)
        with self._alone(), claim:
            if result:
                self.optuna.tell(number, result.value)
                return f"trial {number}: {job.metric} {result.value:.4f}"
            self.optuna.tell(number, state=TrialState.FAIL)
            return f"trial {number}: infeasible: {reason}"

    def conclusion(self) -> str:
        """Returns lines about the best trial; nothing if no trial succeeded."""
        done = self.optuna.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
        if not done:
            return ""
        best = self.optuna.best_trial
        flags = " ".join(layout.arguments(self.job.arguments, best.params))
        found = f"trial {best.number} of {len(done)} is the best, with {self.job.metric} {best.value:.4f}"
        return f"{found}:\n  python -m trainer.task {flags}"

    @property
    def is_running(self) -> bool:
        """Whether a trial has not ended."""
        return bool(self.optuna.get_trials(deepcopy=False, states=[TrialState.RUNNING]))


def _known(trial: FrozenTrial) -> Trial:
    """Returns Optuna's trial as one that suggestions learn from."""
    measured = () if trial.value is None else (Measurement(1, trial.value),)
    return Trial(id=trial.number, parameters=trial.params, state=STATES[trial.state], measurements=measured)


def _distribution(parameter: Parameter) -> BaseDistribution:
    """Returns Optuna's form of the values of a parameter."""
    is_log = parameter.scale == LOG
    if parameter.kind == "double":
        return FloatDistribution(parameter.low, parameter.high, log=is_log)
    if parameter.kind == "integer":
        return IntDistribution(int(parameter.low), int(parameter.high), log=is_log)
    return CategoricalDistribution(parameter.values)


def work(study: SharedStudy, wait: float = 2.0) -> int:
    """Runs trials until all of the study have ended, on any machine, and returns the exit status."""
    while True:
        found = study.next()
        if found:
            status = study.run(*found)
            if status in STOPPED:
                return status
            print(study.end(*found, status), flush=True)
        elif study.is_running:  # elsewhere; if its process is killed, this one continues it
            time.sleep(wait)
        else:
            conclusion = study.conclusion()
            print(conclusion or "no trial succeeded")
            return 0 if conclusion else 1


def read(path: Path, trials: int, flags: Sequence[str]) -> Job:
    """Returns the study of a file.

    Args:
      path: the file.
      trials: overrides the number of trials of the file, unless it is 0.
      flags: flags of `trainer.task`, which override those of the file.

    Raises:
      UsageError: the file or a flag breaks a rule.
    """
    if trials < 0:
        raise UsageError(f"`--max_trial_count` must be a whole number of at least 0. Received: {trials}")
    if any(flag.startswith(("--job_dir", "--job-dir")) for flag in flags):
        raise UsageError("`--job_dir` must be left out: the output of all trials is in `--study`")
    job = document.read(path, flags)
    return dataclasses.replace(job, max_trials=int(min(trials or job.max_trials, count(job.parameters))))


def main(arguments: Sequence[str]) -> int:
    """Works on the study and returns the exit status.

    0: all trials have ended. 1: none succeeded. 2: a flag, the file or the folder breaks a rule. 130: Ctrl-C.
    """
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--study", type=Path, required=True, help="a folder that all machines share, for this study")
    parser.add_argument("--config", type=Path, default=Path("config.yaml"), help="a HyperparameterTuningJob")
    parser.add_argument("--max_trial_count", type=int, default=0, help="overrides maxTrialCount of the file")
    options, flags = parser.parse_known_args(arguments)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        return work(SharedStudy(options.study.absolute(), read(options.config, options.max_trial_count, flags)))
    except UsageError as error:
        print(f"shared_study: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"shared_study: {error.filename or options.study}: {error.strerror}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:  # the trial saves its state and ends by itself
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
