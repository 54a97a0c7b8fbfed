"""A study on this machine, from its first line on the screen to its last."""

import dataclasses
import datetime
import json
import math
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich.console import Console

from trainer import command_line, files
from trainer.buckets.location import is_remote
from trainer.errors import StorageError, UsageError
from trainer.pages import page as html
from trainer.signals import Stop
from trainer.study import trial as trials
from trainer.study.local import layout
from trainer.study.local.finishing import Finishing
from trainer.study.local.ledger import NAME, Ledger
from trainer.study.local.runner import Runner
from trainer.study.local.server import Server
from trainer.study.screen import conclusion, page, record, report, tested, ties, wording
from trainer.study.screen.table import LiveTable
from trainer.study.search import stopping
from trainer.study.search.importance import importance
from trainer.study.search.space import count
from trainer.study.search.suggestions import suggest
from trainer.study.spec import Job
from trainer.study.trial import ENDED, Trial

FAILED = 1  # exit status of a study in which too many trials failed


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """A study to run on this machine.

    Attributes:
      job: what is tuned, and how.
      folder: takes `study.json` and one folder for each trial.
      seed: of the suggestions.
      isolation: `fork` or `process`.
      command: the command line that resumes the study, Python first.
      keep_models: how many of the best trials keep their models and checkpoints; 0 is all.
    """

    job: Job
    folder: Path
    seed: int
    isolation: str
    command: Sequence[str]
    keep_models: int = 0

    def ledger(self) -> Ledger:
        """Returns the record of the study, as it is on the disk now."""
        return Ledger(self.folder, self.job, self.seed)


def run(plan: Plan, screen: Console, stop: Stop, variables: Mapping[str, str], notes: Console | None = None) -> int:
    """Runs or resumes a study and returns the exit status: 0, or 1 if too many trials failed.

    Args:
      plan: the study.
      screen: what a person watches.
      stop: whether the program is asked to stop.
      variables: the environment variables.
      notes: shows the table and lines that are neither warnings nor the result; None is `screen`.

    Raises:
      UsageError: the folder cannot take this study.
      StorageError: the folder can no longer be written.
      ChildProcessError: the process that starts the trials was killed.
      StoppedError: the program was asked to stop; the study can be resumed.
    """
    notes = notes or screen
    log, asked = _logger(notes), plan.job.max_trials
    plan = _bounded(plan)
    job = plan.job
    with stop.deferred(), plan.ledger().claimed(log, lambda: stop.requested) as lock:
        ledger = plan.ledger()  # as the former study has left it
        before = [trial for trial in ledger.trials if trial.state in ENDED]
        _begin(plan, ledger, len(before), log)
        with Server(plan.isolation, lock, variables) as server, _table(ledger, notes, before) as table:
            given, cores = {**variables, **layout.container_variables(job.document)}, layout.cores()
            runner = Runner(
                ledger,
                server,
                lambda trials: suggest(job, trials, plan.seed),
                variables=given,
                cores=cores,
                keep_models=plan.keep_models,
            )
            state = runner.run(lambda: stop.requested, _show(table, plan.folder, job))
            finishing = Finishing(ledger, server, given, cores, plan.keep_models)
            is_finished = bool(state) and finishing.run(lambda: stop.requested, table.note)
        if is_finished:
            if 0 < job.budget <= ledger.seconds:
                log(f"the budget of {wording.duration(job.budget)} is used: the study ends")
            elif len(ledger.trials) == job.max_trials < asked:
                tried = wording.count(len(ledger.trials), "combination")
                log(f"the parameters have {tried}, and all have been tried: the study ends before {asked} trials")
            conclude(ledger, state, screen, plan.command[0])
    return 0 if state == "SUCCEEDED" else FAILED


def _table(ledger: Ledger, notes: Console, known: Sequence[Trial]) -> LiveTable:
    """Returns the table of a study that begins or resumes now."""
    budget = ledger.job.budget
    end = time.time() + budget - ledger.seconds if budget else math.inf
    return LiveTable(ledger.job, notes, known=known, end=end)


def _bounded(plan: Plan) -> Plan:
    """Returns a plan of no more trials than there are combinations of the parameters."""
    most = min(plan.job.max_trials, count(plan.job.parameters))
    parallel = min(plan.job.parallel_trials, most)
    return dataclasses.replace(
        plan, job=dataclasses.replace(plan.job, max_trials=int(most), parallel_trials=int(parallel))
    )


def conclude(ledger: Ledger, state: str, screen: Console, python: str = "python") -> None:
    """Writes the conclusion of a study, and shows it with commands that begin with `python`."""
    job = ledger.job
    shares = importance(job, ledger.trials)
    best = trials.best(ledger.trials, job.selection, job.maximize)
    test = tested.read(layout.folder(ledger.folder, best.id), best.id) if best else {}
    chosen = ties.recommended(job, conclusion.ranked(job, ledger.trials))
    about = {
        "importance": shares,
        "recommended": chosen.id if chosen else None,
        **({"test": test} if test else {}),
    }
    ledger.conclude(state, {**about, **conclusion.commands(job, ledger.trials, ledger.folder)})
    page.write(job, ledger.trials, ledger.folder)
    where = _report(ledger)
    folder = shown(ledger.folder)
    text = conclusion.text(
        job, ledger.trials, shares, folder, tested=tested.line(test), width=screen.width, python=python
    )
    screen.out(f"{text}\n\nResults as JSON: {folder / NAME}.{where}{_model(ledger)}", highlight=False)


def _model(ledger: Ledger) -> str:
    """Returns a line about the model of the best trial; nothing if it is not on this machine, or was never written."""
    best = trials.best(ledger.trials, ledger.job.selection, ledger.job.maximize)
    model = layout.folder(shown(ledger.folder), best.id) / "model" if best else None
    return f"\nModel of trial {best.id}: {model}." if best and model and (model / "model.json").exists() else ""


def _report(ledger: Ledger) -> str:
    """Writes the report of a study, and returns a line about it; nothing with `--report=no` or if it is another file.

    Raises:
      StorageError: it cannot be written.
    """
    path = ledger.folder / html.NAME
    if command_line.last_value(ledger.job.arguments, "report", command_line.run_flags()) == "no":
        return ""
    if not html.may_be_written(path):
        return f"\nNo report: {path} is another file."
    study = record.of_record(json.loads(json.dumps(ledger.as_json())))
    try:
        html.write(path, report.html(study, str(ledger.folder), datetime.datetime.now()))
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}") from error
    return f"\nReport: {shown(path)}."


def folder_of(job_dir: str, now: datetime.datetime) -> Path:
    """Returns the folder of a study: `job_dir`, else a new one below `runs`, which is made.

    Raises:
      UsageError: it is in a bucket.
    """
    if is_remote(job_dir):
        raise UsageError(f"`--job_dir` of a study must be a folder on this machine. Received: {job_dir}")
    if job_dir:
        return Path(files.expanded(job_dir)).absolute()
    return _unused(Path(f"runs/study-{now:%Y%m%d-%H%M%S}")).absolute()


def shown(path: Path) -> Path:
    """Returns an absolute path for a person: relative to the current folder if it is below it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) and path != here else path


def _unused(path: Path) -> Path:
    """Makes a folder that is nobody else's, also where two studies begin in one second, and returns it."""
    for candidate in (path, *(path.with_name(f"{path.name}-{number}") for number in range(2, 1000))):
        try:
            candidate.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError:  # the first write there reports it
            pass
        return candidate
    return path


def _begin(plan: Plan, ledger: Ledger, ended: int, log: Callable[[str], None]) -> None:
    """Writes the first files of a study and its first lines on the screen."""
    if ledger.trials:
        log(f"resumes with {ended} of {plan.job.max_trials} trials done")
    else:
        ledger.put()
    page.write(plan.job, ledger.trials, plan.folder)  # trials that find it write no row of their own
    if plan.job.stopping.rule and plan.job.max_trials > stopping.ENOUGH:
        rule = plan.job.stopping.rule.replace("_", " ")
        log(f"ends unpromising trials early by the {rule} rule (--stop=none ends none)")
    if plan.job.budget:
        used = f", of which {wording.duration(ledger.seconds)} are used" if ledger.seconds else ""
        log(f"ends after {wording.duration(plan.job.budget)}{used}, or after {plan.job.max_trials} trials (--budget)")
    command = shlex.join(plan.command)
    if 0 < plan.keep_models < plan.job.max_trials:
        best = "best trial" if plan.keep_models == 1 else f"{plan.keep_models} best trials"
        log(f"keeps the models and checkpoints of the {best} (--keep_models={plan.keep_models})")
    log(f"study in {shown(plan.folder)}; if it is interrupted, this command resumes it:\n  {command}")


def _show(table: LiveTable, folder: Path, job: Job) -> Callable[[Sequence[Trial]], None]:
    """Returns a function that shows trials on the screen and, if they have changed, in TensorBoard."""
    known: list[Trial] = []

    def show(trials: Sequence[Trial]) -> None:
        table.update(trials)
        if list(trials) != known:
            known[:] = trials
            page.write(job, trials, folder)

    return show


def _logger(screen: Console) -> Callable[[str], None]:
    return lambda line: screen.out(line, highlight=False)
