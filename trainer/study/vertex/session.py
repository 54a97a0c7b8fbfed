"""A study on Vertex AI: submitted, watched, and its results fetched."""

import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from trainer import command_line, console, files
from trainer.buckets.location import is_remote
from trainer.buckets.objects.failure import UnreachableError
from trainer.errors import StoppedError, UsageError
from trainer.signals import Stop
from trainer.study.config import document as config
from trainer.study.local.ledger import check_unused
from trainer.study.options import Options
from trainer.study.vertex import data_location, preflight, service
from trainer.study.vertex.fetched import failure_of
from trainer.study.vertex.job import CUSTOM, SUCCEEDED, TUNING, JobName
from trainer.study.vertex.request import Request, request
from trainer.study.vertex.service import SUBMISSION, JobService
from trainer.study.vertex.surroundings import World
from trainer.study.vertex.watch import shown, state_of, watch

FAILED, UNREACHABLE = 1, 4  # exit statuses

_COMMAND = "python -m trainer.study"


def run(options: Options, flags: Sequence[str], screen: Console, stop: Stop, world: World) -> int:
    """Submits a job, or fetches one's results, and returns the exit status.

    0: it was submitted or fetched, or it was watched and succeeded. 1: it was watched, and failed, expired or
    was cancelled. 4: the service cannot be reached. 130, 143: stopped.

    Args:
      options: what to do.
      flags: those of `trainer.task`.
      screen: what a person watches.
      stop: whether the program is asked to stop.
      world: what is outside this program.

    Raises:
      UsageError: a flag or the file breaks a rule, with one line for each; or the service refuses.
      StorageError: the results cannot be written.
    """
    session = _Session(options, flags, screen, stop, world)
    try:
        if options.results:
            return session.fetch()
        made = prepare(options, flags, world)
        for note in data_location.notes(made):
            console.report(f"trainer: {note}")
        if options.dry_run:
            session.log(_shown_request(made, options))
            return 0
        return session.submit(made)
    except UnreachableError as error:
        console.report(f"trainer: {error}")
        return UNREACHABLE


def prepare(options: Options, flags: Sequence[str], world: World) -> Request:
    """Returns the request that config.yaml and the flags make.

    Raises:
      UsageError: something is wrong with it, with one line for each mistake.
    """
    _folder(flags, options, "")
    flags = command_line.without(flags, ["job_dir"], command_line.run_flags())
    # One run has no parameters that are tuned, so that any flag may be given.
    job = config.read(Path(options.config), flags if options.job == "tuning" else ())
    now = datetime.datetime.fromtimestamp(world.clock())
    made = request(job.document, options, flags, world.token(), now)
    _raise([*preflight.check(made, options)])
    return made


@dataclasses.dataclass(frozen=True)
class _Session:
    """One command and what it is given; see `run`."""

    options: Options
    flags: Sequence[str]
    screen: Console
    stop: Stop
    world: World

    def log(self, line: str) -> None:
        self.screen.out(line, highlight=False)

    def submit(self, made: Request) -> int:
        """Creates a job, after checks of all that it needs."""
        jobs = self._jobs(self.options.project, self.options.region)
        service.parsed(made.kind, made.body)
        world = self.world
        _raise([*preflight.look(made, self.options, world.bucket, world.image, world.is_missing)])
        try:
            document = jobs.create(made.kind, made.body)
        except (UnreachableError, StoppedError) as error:
            self.log(f"the job may have been created; this command shows it:\n  {_search(made, self.options)}")
            if isinstance(error, UnreachableError):
                raise
            return self.stop.status
        name = JobName.parse(document["name"])
        self.log(f"submitted {name}\n  {name.page}\n  its output goes to {made.output}\n{_commands(name)}")
        return self._follow(jobs, name, document) if self.options.watch else 0

    def fetch(self) -> int:
        """Writes the results of a job."""
        kind = CUSTOM if self.options.job == "custom" else TUNING
        name = JobName.parse(self.options.results, self.options.project, self.options.region, kind)
        _folder(self.flags, self.options, name.id)
        jobs = self._jobs(name.project, name.region)
        document = jobs.get(name.kind, str(name))
        if self.options.watch:
            return self._follow(jobs, name, document)
        reason = failure_of(document)
        self.log(f"{name}: {state_of(document)}{f', {reason}' if reason else ''}\n  {name.page}")
        self._write(name, document)
        return 0

    def _jobs(self, project: str, region: str) -> JobService:
        return JobService(self.world.connect(region), project, region, self.world.patience)

    def _follow(self, jobs: JobService, name: JobName, document: Mapping[str, Any]) -> int:
        """Watches a job, writes its results, and returns the exit status."""
        try:
            with shown(name.kind, document, self.screen, self.world.clock) as (show, note):
                document = watch(lambda: jobs.get(name.kind, str(name)), show, note, self.world.wait)
        except StoppedError:
            if self.options.cancel_on_interrupt:
                self.log(f"cancelling the job, like\n  {name.gcloud('cancel')}")
                jobs.cancel(name.kind, str(name))
            else:
                self.log(f"the job continues\n{_commands(name)}")
            return self.stop.status
        self._write(name, document)
        return 0 if document["state"] == SUCCEEDED else FAILED

    def _write(self, name: JobName, document: Mapping[str, Any]) -> None:
        from trainer.study.vertex import results  # loads the search, which a submission does not need

        if name.kind is TUNING:
            results.write(document, _folder(self.flags, self.options, name.id), self.screen)


def _raise(problems: Sequence[str]) -> None:
    if problems:
        raise UsageError(*dict.fromkeys(problems))


def _folder(flags: Sequence[str], options: Options, number: str) -> Path:
    """Returns the folder on this machine that takes the results."""
    given = command_line.last_value(flags, "job_dir", command_line.run_flags())
    if given and (is_remote(given) or not (options.results or options.watch)):
        raise UsageError(
            "`--job_dir` on Vertex AI must be a local folder for the results, with --watch or "
            f"--results; trials write to --bucket. Received: {given}"
        )
    folder = Path(files.expanded(given or f"runs/study-{number}")).absolute()
    if given:
        check_unused(folder)  # before a job is submitted whose results it could not take
    return folder


def _shown_request(made: Request, options: Options) -> str:
    address = f"https://{options.region}-aiplatform.googleapis.com/v1/projects/{options.project}"
    return (
        f"# POST {address}/locations/{options.region}/{made.kind.collection}\n{made.as_yaml()}\n"
        f"# The same with gcloud:\n{made.as_command(options.project, options.region)}"
    )


def _search(made: Request, options: Options) -> str:
    chosen = f"labels.{SUBMISSION}={made.body['labels'][SUBMISSION]}"
    return f"gcloud ai {made.kind.group} list --project={options.project} --region={options.region} --filter={chosen}"


def _commands(name: JobName) -> str:
    lines = [f"  watch:   {_COMMAND} --results={name} --watch"]
    if name.kind is TUNING:
        lines.append(f"  results: {_COMMAND} --results={name}")
    return "\n".join([*lines, f"  cancel:  {name.gcloud('cancel')}"])
