"""A study on Vertex AI: submitted, watched, and its results fetched."""

import dataclasses
import datetime
import secrets
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from trainer import command_line as task_flags
from trainer.buckets.location import is_remote
from trainer.buckets.objects import client as storage
from trainer.buckets.objects.failure import UnreachableError
from trainer.buckets.objects.patience import Patience
from trainer.errors import StoppedError, UsageError
from trainer.signals import Stop
from trainer.study.config import document as config
from trainer.study.options import Options, without
from trainer.study.vertex import preflight, service, surroundings
from trainer.study.vertex.fetched import failure_of, trials_of
from trainer.study.vertex.job import CUSTOM, ENDED, SUCCEEDED, TUNING, JobName
from trainer.study.vertex.request import Request, request
from trainer.study.vertex.service import SUBMISSION, JobService
from trainer.study.vertex.watch import shown, state_of, watch

FAILED, UNREACHABLE = 1, 4  # exit statuses

_COMMAND = "python -m trainer.study"


@dataclasses.dataclass(frozen=True)
class World:
    """What lies outside this program.

    Attributes:
      connect: returns a client of a region's job service.
      bucket: returns a bucket's region; see `surroundings.region_of`.
      image: returns what is wrong with an image; see `surroundings.missing_image`.
      clock: seconds since 1970.
      wait: spends some seconds between two looks at a job.
      patience: how long a request is tried again.
      token: returns a word that was never returned before.
    """

    connect: Callable[[str], Any]
    bucket: Callable[[str], str]
    image: Callable[[str], str]
    clock: Callable[[], float] = time.time
    wait: Callable[[float], object] = dataclasses.field(default_factory=lambda: threading.Event().wait)
    patience: Patience = dataclasses.field(default_factory=lambda: Patience(first=1.0))
    token: Callable[[], str] = lambda: secrets.token_hex(8)

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> "World":
        """Returns the one around this process, with its environment variables."""
        return cls(
            connect=lambda region: service.connect(region, variables),
            bucket=lambda name: surroundings.region_of(storage.connect(1), name),
            image=lambda image: surroundings.missing_image(surroundings.asker(), image),
        )


def run(options: Options, flags: Sequence[str], screen: Console, stop: Stop, world: World) -> int:
    """Submits a job, or fetches one's results, and returns the exit status.

    0: it was submitted or fetched, or, where it was watched, it succeeded. 1: it was watched, and failed, expired or
    was cancelled. 4: the service cannot be reached. 130, 143: stopped.

    Args:
      options: what to do.
      flags: those of `trainer.task`.
      screen: what a person watches.
      stop: whether the program was told to stop.
      world: what lies outside.

    Raises:
      UsageError: a flag or the file breaks a rule, all that do in as many lines; or the service refuses.
      StorageError: the results cannot be written.
    """
    session = _Session(options, flags, screen, stop, world)
    try:
        if options.results:
            return session.fetch()
        made = prepare(options, flags, world)
        if options.dry_run:
            session.tell(_shown_request(made, options))
            return 0
        return session.submit(made)
    except UnreachableError as error:
        print(f"trainer: {error}", file=sys.stderr)
        return UNREACHABLE


def prepare(options: Options, flags: Sequence[str], world: World) -> Request:
    """Returns the request that config.yaml and the flags come to.

    Raises:
      UsageError: something is wrong with it, in as many lines as there are mistakes.
    """
    _folder(flags, options, "")
    flags = without(flags, "job_dir")
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

    def tell(self, line: str) -> None:
        self.screen.out(line, highlight=False)

    def submit(self, made: Request) -> int:
        """Creates a job after a look at all that it will need."""
        jobs = self._jobs(self.options.project, self.options.region)
        service.parsed(made.kind, made.body)
        _raise([*preflight.look(made, self.options, self.world.bucket, self.world.image)])
        try:
            document = jobs.create(made.kind, made.body)
        except (UnreachableError, StoppedError) as error:
            self.tell(f"the job may or may not have been created; this shows it:\n  {_search(made, self.options)}")
            if isinstance(error, UnreachableError):
                raise
            return self.stop.status
        name = JobName.parse(document["name"])
        self.tell(f"submitted {name}\n  {name.page}\n  its output goes to {made.output}\n{_commands(name)}")
        return self._follow(jobs, name, document) if self.options.watch else 0

    def fetch(self) -> int:
        """Writes what a job has come to."""
        kind = CUSTOM if self.options.job == "custom" else TUNING
        name = JobName.parse(self.options.results, self.options.project, self.options.region, kind)
        _folder(self.flags, self.options, name.id)
        jobs = self._jobs(name.project, name.region)
        document = jobs.get(name.kind, str(name))
        if self.options.watch:
            return self._follow(jobs, name, document)
        reason = failure_of(document)
        self.tell(f"{name}: {state_of(document)}{f', {reason}' if reason else ''}\n  {name.page}")
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
                self.tell(f"cancelling the job, as by\n  {name.gcloud('cancel')}")
                jobs.cancel(name.kind, str(name))
            else:
                self.tell(f"the job goes on\n{_commands(name)}")
            return self.stop.status
        self._write(name, document)
        return 0 if document["state"] == SUCCEEDED else FAILED

    def _write(self, name: JobName, document: Mapping[str, Any]) -> None:
        if name.kind is TUNING:
            write(document, _folder(self.flags, self.options, name.id), self.screen)


def write(document: Mapping[str, Any], folder: Path, screen: Console) -> None:
    """Writes what a study on this machine writes, and tells what it came to.

    Args:
      document: a tuning job as the service has it.
      folder: takes `study.json` and TensorBoard's page.
      screen: what a person watches.

    Raises:
      UsageError: the folder cannot take this study.
      StorageError: the folder can no longer be written.
    """
    from trainer.study.local import study as local
    from trainer.study.local.ledger import NAME, Ledger
    from trainer.study.screen import page

    def tell(line: str) -> None:
        screen.out(line, highlight=False)

    job, trials = config.job(document), trials_of(document)
    with Ledger(folder, job, 0).claimed(tell, lambda: False):
        ledger = Ledger(folder, job, 0)
        ledger.put(*trials)
        if document.get("state") in ENDED:
            local.conclude(job, ledger, "SUCCEEDED" if document["state"] == SUCCEEDED else "FAILED", screen)
        else:
            page.write(job, ledger.trials, folder)
            tell(f"what there is so far is in {folder / NAME}")


def _raise(problems: Sequence[str]) -> None:
    if problems:
        raise UsageError("\n".join(dict.fromkeys(problems)))


def _folder(flags: Sequence[str], options: Options, number: str) -> Path:
    """Returns the folder on this machine that takes the results."""
    given = task_flags.read(flags).job_dir
    if given and (is_remote(given) or not (options.results or options.watch)):
        raise UsageError(
            "`--job_dir` on Vertex AI must be a folder on this machine that takes the results, with --watch or "
            f"--results; --bucket takes what trials write. Received: {given}"
        )
    return Path(given or f"runs/study-{number}").expanduser().absolute()


def _shown_request(made: Request, options: Options) -> str:
    address = f"https://{options.region}-aiplatform.googleapis.com/v1/projects/{options.project}"
    return (
        f"# POST {address}/locations/{options.region}/{made.kind.collection}\n{made.as_yaml()}\n"
        f"# The same by gcloud:\n{made.as_command(options.project, options.region)}"
    )


def _search(made: Request, options: Options) -> str:
    chosen = f"labels.{SUBMISSION}={made.body['labels'][SUBMISSION]}"
    return f"gcloud ai {made.kind.group} list --project={options.project} --region={options.region} --filter={chosen}"


def _commands(name: JobName) -> str:
    lines = [f"  watch:   {_COMMAND} --results={name} --watch"]
    if name.kind is TUNING:
        lines.append(f"  results: {_COMMAND} --results={name}")
    return "\n".join([*lines, f"  cancel:  {name.gcloud('cancel')}"])
