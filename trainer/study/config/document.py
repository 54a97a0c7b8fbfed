"""Reads config.yaml, a HyperparameterTuningJob as gcloud accepts it, strictly: every error with its line."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from trainer import command_line
from trainer.errors import UsageError
from trainer.hparams import AUTO
from trainer.metrics import ACCURACY, of_tag
from trainer.study.config import (
    address_rules,
    flag_rules,
    machine_rules,
    messages,
    parameter_rules,
    parameters,
    study_rules,
    target_rules,
    yaml_lines,
)
from trainer.study.config.messages import FieldPath, Problem
from trainer.study.config.view import View
from trainer.study.spec import BEST_MEASUREMENT, LAST_MEASUREMENT, UNSPECIFIED, Job, Stopping

_STOPPING = {
    "medianAutomatedStoppingSpec": "median",
    "decayCurveStoppingSpec": "decay_curve",
    "convexAutomatedStoppingSpec": "convex",
}


def read(path: Path, arguments: Sequence[str] = ()) -> Job:
    """Returns the job that a file describes.

    Placeholders in capitals, as in gs://BUCKET/trainer, are allowed, because a study on this machine needs no bucket;
    `trainer.study.config.placeholders` finds them.

    Args:
      path: the file.
      arguments: flags of `trainer.task` that override those in the file.

    Raises:
      UsageError: the file or the arguments break rules. The message has one line per error, in the file's order, as in
        ``config.yaml:12: `studySpec.algorithm` must be one of …. Received: GRID``.
    """
    document, lines, problems = yaml_lines.read(path)
    problems += _independent(messages.check(document), problems)
    problems += _independent(_broken_rules(View(document), arguments), problems)
    _refuse(problems, path, lines)
    found = job(document, arguments)
    tasks = machine_rules.tasks(View(document)["trialJobSpec"])
    study = View(document)["studySpec"]
    _refuse([*study_rules.reported(study, found.arguments)], path, lines)
    _refuse([*target_rules.check(study, found.arguments)], path, lines)
    _refuse([*flag_rules.together(View(document)["studySpec"], tasks, found.arguments)], path, lines)
    return found


def job(document: Mapping[str, Any], arguments: Sequence[str] = ()) -> Job:
    """Returns the job of a valid HyperparameterTuningJob in JSON form, from a file or from the service.

    Args:
      document: the HyperparameterTuningJob.
      arguments: flags that are appended to those of its container.
    """
    whole = View(document)
    study = whole["studySpec"]
    metric = _metric(whole)
    rule = next((name for name in study.names if name in _STOPPING), "")
    tasks = machine_rules.tasks(whole["trialJobSpec"])[:1]  # the primary machine's
    selection = study["measurementSelectionType"].value
    known = command_line.run_flags()
    own = _not_overridden([word.text for task in tasks for word in task["args"]], arguments, known)
    return Job(
        name=whole["displayName"].text,
        metric=metric["metricId"].text,
        maximize=metric["goal"].value != "MINIMIZE",
        parameters=parameters.read(study),
        algorithm=study["algorithm"].text or UNSPECIFIED,
        selection=BEST_MEASUREMENT if selection == BEST_MEASUREMENT else LAST_MEASUREMENT,
        stopping=Stopping(rule=_STOPPING.get(rule, ""), options=study[rule].value or {}),
        study_stopping=study["studyStoppingConfig"].value or {},
        max_trials=int(whole["maxTrialCount"].number or 0),
        parallel_trials=int(whole["parallelTrialCount"].number or 0),
        max_failed_trials=int(whole["maxFailedTrialCount"].number or 0),
        arguments=(*own, *arguments, *metric_flag(document, [*own, *arguments])),
        document=document,
    )


def metric_flag(document: Mapping[str, Any], arguments: Sequence[str]) -> list[str]:
    """Returns `--metric` for trials that are to report the metric of their study; nothing if they do so without.

    Args:
      document: a valid HyperparameterTuningJob in JSON form.
      arguments: the flags of each trial.
    """
    metric = of_tag(_metric(View(document))["metricId"].text)
    given = command_line.last_value(arguments, "metric", command_line.run_flags())
    is_given = bool(given) and given != AUTO
    return [f"--metric={metric.name}"] if metric and metric is not ACCURACY and not is_given else []


def _metric(job: View) -> View:
    return next(iter(job["studySpec"]["metrics"]), View(None))


def _not_overridden(own: list[str], given: Sequence[str], known: command_line.Flags) -> list[str]:
    """Returns a container's arguments without the flags that are overridden."""
    return command_line.without(own, {argument.name for argument in command_line.split(given, known)}, known)


def _broken_rules(document: View, arguments: Sequence[str]) -> Iterator[Problem]:
    study, machines = document["studySpec"], document["trialJobSpec"]
    yield from study_rules.check(document)
    if study.is_given:
        yield from parameter_rules.check(study)
    yield from machines.required("must be given: the machines and what they run")
    if machines.is_given:
        yield from machine_rules.check(machines)
    yield from address_rules.resource(document["encryptionSpec"]["kmsKeyName"])
    yield from address_rules.one_region(document)
    yield from flag_rules.check(study, machine_rules.tasks(machines), arguments)


def _independent(problems: Iterable[Problem], malformed: Sequence[Problem]) -> list[Problem]:
    """Returns the problems without those that only follow from a malformed or misspelled field."""
    known: set[FieldPath] = {problem.path for problem in malformed}
    known |= {(*problem.path[:-1], problem.meant) for problem in malformed if problem.meant}
    return [
        problem
        for problem in problems
        if not problem.path or not any(problem.path[:length] in known for length in range(len(problem.path) + 1))
    ]


def _refuse(problems: Sequence[Problem], path: Path, lines: yaml_lines.Lines) -> None:
    if problems:
        ordered = sorted(problems, key=lambda problem: lines.line(problem.path) if problem.path else 0)
        raise UsageError(*dict.fromkeys(_line(problem, path, lines) for problem in ordered))


def _line(problem: Problem, path: Path, lines: yaml_lines.Lines) -> str:
    if problem.message and not problem.path:
        return problem.message
    said = problem.message or (
        f"`{messages.shown(problem.path) or 'the file'}` {problem.rule}. "
        f"Received: {problem.received or lines.text(problem.path)}"
    )
    return f"{path}:{lines.line(problem.path)}: {said}"
