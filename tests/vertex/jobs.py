"""The jobs of the fake, in the real messages, and what becomes of them: a script's next step at every look."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from google.cloud import aiplatform_v1
from google.protobuf import json_format

from tests.vertex import rules
from tests.vertex.filters import is_chosen
from tests.vertex.refusals import Refused
from trainer.study.vertex.job import CUSTOM, ENDED, TUNING, Kind

NUMBER = "123456789012"  # the service answers with the project's number, whatever it was asked by
KINDS = {kind.collection: kind for kind in (TUNING, CUSTOM)}

Script = Sequence[Mapping[str, Any]]


class Store:
    """All jobs.

    Args:
      project: the id of the one project.
      region: the one region.

    Attributes:
      script: what becomes of every new job: at each look at it, the next of these is merged into it.
      granted: the permissions of the account; None is all.
    """

    def __init__(self, project: str, region: str):
        self._project, self._region = project, region
        self.script: Script = ()
        self.granted: Sequence[str] | None = None
        self._jobs: dict[str, Any] = {}
        self._scripts: dict[str, list[Mapping[str, Any]]] = {}
        self._lock = threading.RLock()

    def create(self, kind: Kind, parent: str, job: Any) -> Any:
        """Returns a new job."""
        with self._lock:
            place = self._place(parent, f"aiplatform.{kind.collection}.create")
            rules.check(job)
            made = message_of(kind)()
            made.CopyFrom(job)
            made.name = f"{place}/{kind.collection}/{4_000_000_000_000_000_000 + len(self._jobs)}"
            made.state = _state("JOB_STATE_PENDING")
            made.create_time.GetCurrentTime()
            made.ClearField("error")
            if kind is TUNING:
                made.ClearField("trials")
            self._jobs[made.name] = made
            self._scripts[made.name] = [*self.script]
            return _copy(made)

    def get(self, kind: Kind, name: str) -> Any:
        """Returns a job, a step further."""
        with self._lock:
            job = self._find(kind, name, "get")
            steps = self._scripts[job.name]
            if job.state == _state("JOB_STATE_CANCELLING"):
                self.merge(job.name, {"state": "JOB_STATE_CANCELLED"})
            elif steps:
                self.merge(job.name, steps.pop(0))
            return _copy(job)

    def listed(self, kind: Kind, parent: str, filter: str, size: int, token: str) -> tuple[list[Any], str]:
        """Returns a page of jobs, the latest first, and the next page's token."""
        with self._lock:
            place = self._place(parent, f"aiplatform.{kind.collection}.list")
            found = [
                _copy(job)
                for name, job in reversed(self._jobs.items())
                if name.startswith(f"{place}/{kind.collection}/") and is_chosen(job, filter, state_of(job))
            ]
        start = int(token or 0)
        stop = start + (size or 100)
        return found[start:stop], str(stop) if stop < len(found) else ""

    def cancel(self, kind: Kind, name: str) -> None:
        """Begins to end a job."""
        with self._lock:
            job = self._find(kind, name, "cancel")
            if state_of(job) in (*ENDED, "JOB_STATE_CANCELLING"):
                raise Refused("FAILED_PRECONDITION", f"The job is in state {state_of(job)} and cannot be cancelled.")
            job.state = _state("JOB_STATE_CANCELLING")

    def merge(self, name: str, change: Mapping[str, Any]) -> None:
        """Changes a job past all rules; lists, such as the trials, are replaced."""
        with self._lock:
            job = self._jobs[name]
            for field, value in change.items():
                if isinstance(value, list):
                    job.ClearField(field)
            json_format.ParseDict(dict(change), job)

    def names(self) -> list[str]:
        """Returns the names of all jobs, the oldest first."""
        with self._lock:
            return [*self._jobs]

    def peek(self, name: str) -> dict[str, Any]:
        """Returns a job in JSON's form, without a step."""
        with self._lock:
            return dict(json_format.MessageToDict(self._jobs[name]))

    def _find(self, kind: Kind, name: str, verb: str) -> Any:
        parent, _, rest = name.partition(f"/{kind.collection}/")
        place = self._place(parent, f"aiplatform.{kind.collection}.{verb}")
        job = self._jobs.get(f"{place}/{kind.collection}/{rest}")
        if job is None:
            raise Refused("NOT_FOUND", f'The {kind.message} "{name}" does not exist.')
        return job

    def _place(self, parent: str, permission: str) -> str:
        projects = (f"projects/{self._project}", f"projects/{NUMBER}")
        project, _, region = parent.partition("/locations/")
        if project not in projects or (self.granted is not None and permission not in self.granted):
            resource = f"//aiplatform.googleapis.com/{parent}"
            raise Refused(
                "PERMISSION_DENIED",
                f"Permission '{permission}' denied on resource '{resource}' (or it may not exist).",
                reason="IAM_PERMISSION_DENIED",
            )
        if region != self._region:
            raise Refused(
                "INVALID_ARGUMENT", f"The location {region} is not this endpoint's.", {"parent": "Wrong region."}
            )
        return f"projects/{NUMBER}/locations/{region}"


def message_of(kind: Kind) -> Any:
    """Returns the class of a kind's message, protobuf's own."""
    return getattr(aiplatform_v1, kind.message).pb()


def state_of(job: Any) -> str:
    """Returns a job's state by name."""
    return str(aiplatform_v1.JobState(job.state).name)


def _state(name: str) -> int:
    return int(aiplatform_v1.JobState[name].value)


def _copy(job: Any) -> Any:
    copy = type(job)()
    copy.CopyFrom(job)
    return copy
