"""The rules of Vertex AI and of the program for a tuning job, except its parameters: metric, counts, stopping."""

import datetime
import re
from collections.abc import Iterator, Sequence

from trainer import command_line
from trainer.metrics import MAXIMIZE, METRICS, MINIMIZE, of_tag
from trainer.study.config import parameters
from trainer.study.config.messages import Problem
from trainer.study.config.view import View

_LONGEST_NAME = 128
_LONGEST_LABEL = 64
_GOALS = (MAXIMIZE, MINIMIZE)
_OF_LOSS = ("class_weights", "label_smoothing")  # of the validation too
_OUTPUT = (
    *("name", "trials", "state", "createTime", "startTime", "endTime", "updateTime", "error"),
    *("satisfiesPzs", "satisfiesPzi"),
)


def check(job: View) -> Iterator[Problem]:
    """Yields the problems of a tuning job, without those of its parameters and its machines."""
    study = job["studySpec"]
    yield from job["displayName"].required()
    if len(job["displayName"].text) > _LONGEST_NAME:
        yield job["displayName"].problem(f"must be at most {_LONGEST_NAME} characters")
    for name in _OUTPUT:
        if job[name].is_given:
            yield job[name].problem("must be left out: the service sets it")
    yield from _labels(job["labels"])
    yield from _counts(job)
    yield from study.required("must be given: metrics and parameters")
    if study.is_given:
        yield from _metrics(study["metrics"])
        yield from _changed_loss(study)
    if study["observationNoise"].is_given:
        yield study["observationNoise"].problem("must be left out: tuning jobs do not support it")
    yield from _convex(study)
    yield from _study_stopping(study["studyStoppingConfig"], job["maxTrialCount"].number)


def _changed_loss(study: View) -> Iterator[Problem]:
    """Yields the parameters that change the loss itself where trials are ranked by it."""
    tag = METRICS["loss"].tag
    if any(metric["metricId"].text == tag for metric in study["metrics"]):
        for parameter in parameters.every(study):
            if parameters.name(parameter) in _OF_LOSS:
                yield parameter["parameterId"].problem(
                    f"must be left out with metricId {tag}, since it changes the loss"
                )


def reported(study: View, arguments: Sequence[str]) -> Iterator[Problem]:
    """Yields the problem of a metric that the trials do not report, since `--metric` names another one.

    Args:
      study: the `studySpec`, which breaks no rule of its own.
      arguments: the flags of each trial.
    """
    given = command_line.last_value(arguments, "metric", command_line.run_flags())
    for metric in study["metrics"]:
        found = METRICS.get(given)
        if found and metric["metricId"].text != found.tag:
            yield metric["metricId"].problem(
                f"must be {found.tag}, with goal {found.goal}: trials have `--metric={given}`"
            )


def _labels(labels: View) -> Iterator[Problem]:
    for name in labels.names:
        text = labels[name].text
        if not re.fullmatch(r"[^\W\d_][\w-]*", name) or name != name.lower() or len(name) > _LONGEST_LABEL:
            yield labels[name].problem(
                f"must have a name of lowercase letters, digits, _ and -, a letter first, at most {_LONGEST_LABEL}",
                received=name,
            )
        if not re.fullmatch(r"[\w-]*", text) or text != text.lower() or len(text) > _LONGEST_LABEL:
            yield labels[name].problem(f"must be lowercase letters, digits, _ and -, at most {_LONGEST_LABEL}")


def _counts(job: View) -> Iterator[Problem]:
    trials, parallel, failed = (job[name] for name in ("maxTrialCount", "parallelTrialCount", "maxFailedTrialCount"))
    for count in (trials, parallel):
        yield from count.required("must be a whole number of at least 1")
        yield from _at_least(count, 1)
    yield from _at_least(failed, 0)
    for count in (parallel, failed):
        yield from _at_most(count, trials)


def _metrics(metrics: View) -> Iterator[Problem]:
    tags = ", ".join(one.tag for one in METRICS.values())
    yield from metrics.required(f"must contain one metric: one of {tags}")
    for index, metric in enumerate(metrics):
        if index:
            yield metric.problem("must not be there: the program reports one metric")
            continue
        found, goal = of_tag(metric["metricId"].text), metric["goal"]
        if found is None:
            yield metric["metricId"].problem(f"must be one of {tags}")
        elif goal.value != found.goal and (goal.value in _GOALS or found.goal == MINIMIZE):  # unset, it is MAXIMIZE
            yield goal.problem(f"must be {found.goal}: a {found.better} {found.tag} is better")
        if metric["safetyConfig"].is_given:
            yield metric["safetyConfig"].problem("must be left out: it is for a second metric, and there is none")


def _convex(study: View) -> Iterator[Problem]:
    convex = study["convexAutomatedStoppingSpec"]
    least, most = convex["minStepCount"], convex["maxStepCount"]
    for count in (least, most, convex["minMeasurementCount"]):
        yield from _at_least(count, 0)
    yield from _at_most(least, most)
    name = convex["learningRateParameterName"]
    numbers = [parameters.name(found) for found in parameters.every(study) if parameters.kind(found) != "categorical"]
    if name.text and name.text not in numbers and all(numbers):
        yield name.problem(f"must be a tuned number: one of {', '.join(numbers) or 'none, so leave it out'}")


def _study_stopping(config: View, trials: float | int | None) -> Iterator[Problem]:
    least, most, fruitless = (config[name] for name in ("minNumTrials", "maxNumTrials", "maxNumTrialsNoProgress"))
    yield from _at_least(least, 0)
    for count in (most, fruitless):
        yield from _at_least(count, 1)
    yield from _at_most(least, most)
    if least.number is not None and trials and 0 < trials < least.number:
        yield least.problem(f"must be at most maxTrialCount, {trials}, or the rest of {config.path[-1]} has no effect")
    first, last = config["minimumRuntimeConstraint"], config["maximumRuntimeConstraint"]
    for constraint in (first, last):
        if constraint.value == {}:
            yield constraint.problem("must have maxDuration or endTime")
        if constraint["endTime"].text and not constraint["endTime"].text.endswith("Z"):
            yield constraint["endTime"].problem("must be in UTC, as in '2026-01-31T12:00:00Z'")
    for duration in (first["maxDuration"], last["maxDuration"], config["maxDurationNoProgress"]):
        if duration.text and seconds(duration) <= 0:
            yield duration.problem("must be more than 0s")
    if first["maxDuration"].text and last["maxDuration"].text:
        if seconds(first["maxDuration"]) > seconds(last["maxDuration"]):
            yield first["maxDuration"].problem(
                f"must be at most maximumRuntimeConstraint's, {last['maxDuration'].value}"
            )
    elif first["endTime"].text and last["endTime"].text and _time(first["endTime"]) > _time(last["endTime"]):
        yield first["endTime"].problem(f"must be at most maximumRuntimeConstraint's, {last['endTime'].value}")


def seconds(duration: View) -> float:
    """Returns a duration such as `3600s` in seconds; 1 if it is malformed, which breaks no other rule."""
    match = re.fullmatch(r"(-?\d+(?:\.\d+)?)s", duration.text)
    return float(match[1]) if match else 1.0


def _time(moment: View) -> float:
    try:
        return datetime.datetime.fromisoformat(moment.text).timestamp()
    except ValueError:
        return 0.0


def _at_least(count: View, least: int) -> Iterator[Problem]:
    if count.number is not None and count.number < least:
        yield count.problem(f"must be a whole number of at least {least}")


def _at_most(count: View, other: View) -> Iterator[Problem]:
    if count.number is not None and other.number is not None and 0 < other.number < count.number:
        yield count.problem(f"must be at most {other.path[-1]}, {other.value}")
