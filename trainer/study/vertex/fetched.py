"""The trials of a tuning job as the service gives it back, in this project's terms."""

import datetime
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from trainer.study.config import document as config
from trainer.study.spec import Parameter, Value
from trainer.study.trial import ENDED, REQUESTED, Measurement, Trial

_CASTS: Mapping[str, Callable[[Any], Value]] = {
    "double": float,
    "integer": lambda value: int(float(value)),  # 3.0, or "3"
    "discrete": float,
    "categorical": str,
}
Document = Mapping[str, Any]


def trials_of(document: Document) -> list[Trial]:
    """Returns the trials of a HyperparameterTuningJob in JSON's form, by ascending number."""
    job = config.job(document)
    kinds = {parameter.name: parameter.kind for parameter in _all(job.parameters)}
    trials = [_trial(trial, job.metric, kinds) for trial in document.get("trials", ())]
    return sorted(trials, key=lambda trial: trial.id)


def failure_of(document: Document) -> str:
    """Returns why a job has failed, in one line; nothing where the service does not say."""
    return " ".join(str(document.get("error", {}).get("message", "")).split())


def _all(parameters: Sequence[Parameter]) -> Iterator[Parameter]:
    for parameter in parameters:
        yield parameter
        yield from _all([child for _, child in parameter.children])


def _trial(trial: Document, metric: str, kinds: Mapping[str, str]) -> Trial:
    given = [*trial.get("measurements", ())]
    if trial.get("finalMeasurement"):
        given.append(trial["finalMeasurement"])
    by_step = {one.step: one for one in (_measurement(one, metric) for one in given) if one}
    started, ended = (_seconds(trial.get(name)) for name in ("startTime", "endTime"))
    parameters = {
        str(one["parameterId"]): _CASTS[kinds.get(one["parameterId"], "categorical")](one["value"])
        for one in trial.get("parameters", ())
    }
    return Trial(
        id=int(trial["id"]),
        parameters=parameters,
        state=trial.get("state", REQUESTED),
        measurements=tuple(by_step[step] for step in sorted(by_step)),
        reason=" ".join(str(trial.get("infeasibleReason", "")).split()),
        started=started,
        ended=max(started, ended) if trial.get("state") in ENDED else ended,
    )


def _measurement(measured: Document, metric: str) -> Measurement | None:
    """Returns a measurement of the metric; nothing if it has none, or one that is not finite."""
    values = [float(one.get("value", 0)) for one in measured.get("metrics", ()) if one["metricId"] == metric]
    if not values or not math.isfinite(values[0]):
        return None
    seconds = float(str(measured.get("elapsedDuration", "0s")).removesuffix("s"))
    return Measurement(int(measured.get("stepCount", 0)), values[0], seconds)


def _seconds(time: str | None) -> float:
    return datetime.datetime.fromisoformat(time).timestamp() if time else 0.0
