"""A study in TensorBoard: its HParams page, made from its job and its trials."""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

from trainer.study.screen import ties
from trainer.study.spec import BEST_MEASUREMENT, Job, Parameter
from trainer.study.trial import INFEASIBLE, REQUESTED, SUCCEEDED, Measurement, Trial
from trainer.tensorboard import experiment
from trainer.tensorboard.experiment import FAILED, RUNNING, SUCCESS, Domain, Metric, Point, Session

_ENDS = (("interval/low", "95 % from"), ("interval/high", "95 % to"))  # the scalars of an interval, and their headings


def write(job: Job, trials: Sequence[Trial], folder: Path) -> None:
    """Writes the HParams page over a study's folder; it may be written again and again, and is whole each time.

    The column of the metric holds each trial's result, and nothing for an infeasible one. What was measured is the
    scalar `measured/<metric>`. Two more columns hold the ends of the result's 95 % interval, where trials have one.

    Args:
      job: the study's.
      trials: all so far; those that have not begun are left out.
      folder: the study's.

    Raises:
      StorageError: it cannot be written.
    """
    domains: dict[str, Domain] = {}
    for parameter in _each(job.parameters):
        domains.setdefault(parameter.name, _domain(parameter))  # one that depends on several values comes once
    experiment.write(
        folder,
        list(domains.values()),
        [Metric(tag=job.metric, title=job.metric), *_interval_columns(job, trials)],
        [_session(job, trial) for trial in trials if trial.state != REQUESTED],
    )


def _interval_columns(job: Job, trials: Sequence[Trial]) -> list[Metric]:
    """Returns the columns of the ends of the intervals; none where no trial has an interval."""
    is_known = any(ties.interval_of(job, trial) for trial in trials)
    return [Metric(tag=tag, title=title) for tag, title in _ENDS] if is_known else []


def _each(parameters: Sequence[Parameter]) -> Iterator[Parameter]:
    """Yields parameters, and then those that depend on them, for TensorBoard shows the first five unasked."""
    yield from parameters
    if children := [child for parameter in parameters for _, child in parameter.children]:
        yield from _each(children)


def _domain(parameter: Parameter) -> Domain:
    return Domain(name=parameter.name, low=parameter.low, high=parameter.high, values=parameter.values)


def _session(job: Job, trial: Trial) -> Session:
    status = {SUCCEEDED: SUCCESS, INFEASIBLE: FAILED}.get(trial.state, RUNNING)
    curves = {f"measured/{job.metric}": trial.measurements}
    if trial.state != INFEASIBLE:
        curves[job.metric] = _results(job, trial.measurements)
        if ends := ties.interval_of(job, trial):
            last = trial.measurements[-1]
            curves |= {
                tag: [Measurement(last.step, end, last.seconds)] for (tag, _), end in zip(_ENDS, ends, strict=True)
            }
    return Session(
        name=str(trial.id),
        parameters=trial.parameters,
        status=status,
        started=trial.started,
        ended=trial.ended if status != RUNNING else 0.0,
        curves={
            tag: [Point(one.step, one.value, trial.started + one.seconds) for one in curve]
            for tag, curve in curves.items()
        },
    )


def _results(job: Job, measurements: Sequence[Measurement]) -> Sequence[Measurement]:
    """Returns what the trial's result would have been had it ended at each measurement."""
    if job.selection != BEST_MEASUREMENT:
        return measurements
    better = max if job.maximize else min
    values = itertools.accumulate((one.value for one in measurements), better)
    return [Measurement(one.step, value, one.seconds) for one, value in zip(measurements, values, strict=True)]
