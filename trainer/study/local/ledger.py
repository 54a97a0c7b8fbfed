"""The record of a study, `study.json`: all that a killed study needs to resume, and that a program wants to know."""

import contextlib
import dataclasses
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from trainer import files
from trainer.errors import StorageError, UsageError
from trainer.study import trial as trials
from trainer.study.local import claim
from trainer.study.local.claim import Words
from trainer.study.spec import Job
from trainer.study.trial import Trial

NAME = "study.json"

_FORMAT = 1
_WORDS = Words(
    other="that no other study runs in",
    former="that no trial of a previous study writes to",
    waiting="waiting until the trials of the previous study save and end",
)


class Ledger:
    """The trials of one study, on the disk before anything is done about them.

    Args:
      folder: of the study; made if it does not exist.
      job: what the study is to be.
      seed: of its suggestions.

    Attributes:
      seconds: that the study has run for, without the time between an interruption and its resume. Like the trials it
        is what a former process recorded; it is written with the next change.

    Raises:
      UsageError: the folder holds another study, or something that is not a study: a run, data, another program's.
    """

    def __init__(self, folder: Path, job: Job, seed: int):
        self.folder, self.job, self._seed = folder, job, seed
        self._trials: dict[int, Trial] = {}
        self._about: dict[str, Any] = {}
        self.seconds = 0.0
        former = _read(folder / NAME)
        if not former:
            check_unused(folder)
        else:
            self._check(former)
            self._trials = _trials(former, folder / NAME)
            self._about = {name: former[name] for name in ("conclusion", "state") if name in former}
            self.seconds = _time(former, folder / NAME)

    @property
    def trials(self) -> tuple[Trial, ...]:
        """All trials, by ascending number."""
        return tuple(self._trials[number] for number in sorted(self._trials))

    @property
    def state(self) -> str:
        """The state that `conclude` gave the study; nothing while it runs."""
        return str(self._about.get("state", ""))

    def put(self, *changed: Trial) -> None:
        """Adds trials, or replaces those with the same numbers, and writes.

        Raises:
          StorageError: it cannot be written.
        """
        self._trials |= {trial.id: trial for trial in changed}
        self._write()

    def conclude(self, state: str, conclusion: Mapping[str, Any]) -> None:
        """Records how the study ended, `SUCCEEDED` or `FAILED`, and its conclusion; `""` reopens it.

        Raises:
          StorageError: it cannot be written.
        """
        self._about = {"state": state, "conclusion": dict(conclusion)} if state else {}
        self._write()

    def as_json(self) -> dict[str, Any]:
        """Returns the content of `study.json`."""
        job = self.job
        best = trials.best(self.trials, job.selection, job.maximize)
        result = best.result(job.selection, job.maximize) if best else None
        return {
            "format": _FORMAT,
            "name": job.name,
            "state": "ACTIVE",
            **self._about,
            "metric": job.metric,
            "goal": "MAXIMIZE" if job.maximize else "MINIMIZE",
            "best": {"trial": best.id, "parameters": dict(best.parameters), **dataclasses.asdict(result)}
            if best and result
            else None,
            **self._identity(),
            "stopping": job.stopping.rule,
            "budget": job.budget,
            "seconds": round(self.seconds, 3),
            "trials": [trials.as_json(trial) for trial in self.trials],
            "config": dict(job.document),
        }

    def _write(self) -> None:
        try:
            files.replace(self.folder / NAME, json.dumps(self.as_json(), indent=1), "\n", durable=True)
        except OSError as error:
            raise StorageError(f"{self.folder / NAME} cannot be written: {error.strerror}") from error

    def _identity(self) -> dict[str, Any]:
        """Returns the identity of the study: all but how many trials there are, and how many at once."""
        job = self.job
        parameters = json.loads(json.dumps([dataclasses.asdict(parameter) for parameter in job.parameters]))
        return {
            "parameters": parameters,
            "algorithm": job.algorithm,
            "selection": job.selection,
            "arguments": list(job.arguments),
            "seed": self._seed,
        }

    def _check(self, former: Mapping[str, Any]) -> None:
        wanted = {"metric": self.job.metric, **self._identity()}
        differing = [name for name, value in wanted.items() if former.get(name) != value]
        if differing:
            shown = "; ".join(_difference(name, former.get(name), wanted[name]) for name in differing)
            raise UsageError(
                "`--job_dir` must be new, or contain a study of the same configuration. "
                f"Received: {self.folder} ({shown})"
            )

    @contextlib.contextmanager
    def claimed(
        self, log: Callable[[str], None], is_stopped: Callable[[], bool], wait: Callable[[float], None] = time.sleep
    ) -> Iterator[int]:
        """Keeps other studies out of the folder, and gives a file descriptor for the trials to inherit.

        As long as a process has that, a trial may still write here; so the trials of a study that was killed are waited
        for first.

        Args:
          log: takes a line for the screen.
          is_stopped: whether not to wait any longer.
          wait: spends some seconds.

        Raises:
          UsageError: the folder cannot be written, another study runs in it, or its trials do not end.
        """
        with claim.claimed(self.folder, _WORDS, log, is_stopped, wait) as lock:
            yield lock


def _read(path: Path) -> dict[str, Any]:
    """Returns a study's record; nothing if there is none."""
    try:
        record = json.loads(path.read_text())
        if record["format"] == _FORMAT and isinstance(record["trials"], list):
            return dict(record)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass
    raise _unreadable(path)


def _trials(record: Mapping[str, Any], path: Path) -> dict[int, Trial]:
    """Returns the trials of a record by their numbers."""
    try:
        found = {value["id"]: trials.from_json(value) for value in record["trials"]}
        for trial in found.values():
            if not trial.is_sound:
                raise ValueError
    except (KeyError, TypeError, ValueError):
        raise _unreadable(path) from None
    return found


def _time(record: Mapping[str, Any], path: Path) -> float:
    """Returns the time that a study has run for; 0 if its record is of a version that did not write it."""
    seconds = record.get("seconds", 0.0)
    if type(seconds) not in (int, float) or not 0 <= seconds < math.inf:
        raise _unreadable(path)
    return float(seconds)


def _unreadable(path: Path) -> UsageError:
    return UsageError(f"`--job_dir` must be empty or contain a study of this program. Received: {path}, unreadable")


def check_unused(folder: Path) -> None:
    """Makes sure that a folder holds a study, or nothing; hidden files may be anyone's.

    Raises:
      UsageError: it holds something else: a run, data, what another program has written.
    """
    try:
        found = files.strangers(folder, ())
    except OSError as error:
        raise UsageError(
            f"`--job_dir` must be a folder that can be read. Received: {folder} ({error.strerror})"
        ) from None
    if found and NAME not in found:
        raise UsageError(
            f"`--job_dir` must be new, empty, or contain a study. Received: {folder}, which contains {found[0]}"
        )


def _difference(name: str, there: Any, here: Any) -> str:
    """Returns the difference in words; of parameters only their names."""
    if name == "parameters":
        by_name, former = {value["name"]: value for value in here}, _by_name(there)
        names = [one for one, value in former.items() if by_name.get(one) != value]
        names += [one for one in by_name if one not in former]
        return f"parameters: {', '.join(names) or 'their order'}"
    return f"{name}: {_shown(there)} before, {_shown(here)} now"


def _by_name(parameters: Any) -> dict[str, Any]:
    found = parameters if isinstance(parameters, list) else []
    return {str(value["name"]): value for value in found if isinstance(value, dict) and "name" in value}


def _shown(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
