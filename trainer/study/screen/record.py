"""A study as its file `study.json` has it."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trainer.errors import UsageError
from trainer.study import trial as trials
from trainer.study.spec import Job, Parameter
from trainer.study.trial import Trial


@dataclasses.dataclass(frozen=True)
class Study:
    """A study as `study.json` has it.

    Attributes:
      job: what is tuned.
      trials: by ascending number.
      state: `SUCCEEDED`, `FAILED` or `ACTIVE`.
      conclusion: importance and commands; empty while it runs.
    """

    job: Job
    trials: Sequence[Trial]
    state: str
    conclusion: Mapping[str, Any]


def read(path: Path) -> Study:
    """Returns the study of a `study.json`.

    Raises:
      UsageError: it cannot be read.
    """
    try:
        return of_record(json.loads(path.read_text()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise UsageError(
            f"`--job_dir` must be the folder of a run or of a study. Received: {path}, unreadable"
        ) from None


def of_record(content: Mapping[str, Any]) -> Study:
    """Returns the study of the content of `study.json`.

    Raises:
      KeyError, TypeError, ValueError: it is something else.
    """
    found = tuple(trials.from_json(one) for one in content["trials"])
    if not all(one.is_sound for one in found):
        raise ValueError("a trial is not sound")
    job = Job(
        name=str(content["name"]),
        metric=content["metric"],
        maximize=content["goal"] == "MAXIMIZE",
        parameters=tuple(_parameter(one) for one in content["parameters"]),
        selection=content["selection"],
        max_trials=len(found),
        parallel_trials=1,
        arguments=tuple(content["arguments"]),
    )
    return Study(job, found, str(content["state"]), content.get("conclusion", {}))


def _parameter(content: Mapping[str, Any]) -> Parameter:
    children = tuple((tuple(values), _parameter(child)) for values, child in content["children"])
    return Parameter(**{**content, "values": tuple(content["values"]), "children": children})
