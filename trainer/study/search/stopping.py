"""Early stopping of trials and of studies, by Vertex AI's rules and names.

Source: the comments of `AutomatedStoppingSpec` and `StudyStoppingConfig` in google/cloud/aiplatform/v1/study.proto.
"""

import datetime
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from trainer.study.search import curve as curves
from trainer.study.search.curve import Curve
from trainer.study.spec import BEST_MEASUREMENT, Job
from trainer.study.trial import ENDED, INFEASIBLE, SUCCEEDED, Measurement, Trial

# The service's documentation says only "very low". With 0.05, the figure of Domhan et al. 2015, section 4, up to 2 % of
# the trials of `benchmarks.simulated_studies` were stopped by mistake; with 0.01 none was, and 8 % more epochs ran.
_UNLIKELY = 0.01
_NETWORK = "model"  # the parameter that selects a network
ENOUGH = 5  # the service's default for measurements; the number of trials is one more


def should_stop(job: Job, trial: Trial, trials: Sequence[Trial]) -> bool:
    """Returns whether a running trial should be stopped now.

    Args:
      job: the study. Its stopping rule is one of
        median: stop if the trial's best value is strictly below the median of the completed trials' running averages
          up to the same step.
        decay_curve: stop if the trial is very unlikely to exceed the best result so far, as predicted by a Gaussian
          process over the curves of the same network.
        convex: stop if the line that extends the curve with the slope of its last measurements ends below the best
          result so far. Learning curves flatten, so the line is an upper bound.
      trial: the trial with its measurements so far.
      trials: all trials of the study.
    """
    done = [other for other in trials if other.state == SUCCEEDED and other.measurements and other.id != trial.id]
    if not (job.stopping.rule and done and trial.measurements):
        return False
    own = _curve(job, trial)
    if job.stopping.rule == "median":
        return _is_below_median(job, own, done)
    if job.stopping.rule == "decay_curve":
        return _is_hopeless(job, trial, own, done)
    if job.stopping.rule == "convex":
        return _ends_below(job, own, done)
    raise ValueError(f"`rule` must be one of median, decay_curve, convex. Received: {job.stopping.rule}")


def last_measurement(job: Job, trial: Trial, trials: Sequence[Trial]) -> Measurement | None:
    """Returns the measurement that the convex rule predicts for the end of a trial that it has stopped; else None.

    The service adds this prediction to the trial's measurements. It is never better than the line that stopped the
    trial, so it is never the best of the study.
    """
    done = [other for other in trials if other.state == SUCCEEDED and other.measurements and other.id != trial.id]
    own = _curve(job, trial)
    whole = [(_curve(job, other), _hint(job, other)) for other in done if not other.stopped_early]
    if job.stopping.rule != "convex" or len(own) < 2 or not done:
        return None
    end = _end(job, done)
    value = curves.go_on(own, _hint(job, trial), whole, end, _enough(job))
    if value is None:
        return None
    lowest = float(own.y[-1])
    value = min(max(value, lowest), max(_line(job, own, end), lowest))
    last = trial.measurements[-1]
    step, seconds = (last.step, end) if _by_seconds(job) else (round(end), last.seconds)
    return Measurement(max(step, last.step), value if job.maximize else -value, max(seconds, last.seconds))


def expected_result(job: Job, trial: Trial, trials: Sequence[Trial]) -> float | None:
    """Returns the result that a trial would have had if it had not been stopped; None if too few went as far to know.

    It is at most the best result of the trials that ran to their end: no trial is the best that was not measured.

    Args:
      job: the study.
      trial: a trial that was stopped, with at least one measurement.
      trials: all trials of the study.
    """
    own = _curve(job, trial)
    longer = _longer(job, trial, own, [other for other in trials if other.state == SUCCEEDED and other.measurements])
    if len(longer) < ENOUGH:
        return None
    others, results = zip(*longer, strict=True)
    value = min(curves.expected_result(own, others, results), float(max(results)))
    return value if job.maximize else -value


def study_is_over(job: Job, trials: Sequence[Trial], now: float) -> str:
    """Returns why no further trial should start, by `studyStoppingConfig`; an empty text if one may.

    The minimum time and number of trials delay every other condition. The study starts with its first trial.

    Args:
      job: the study.
      trials: all trials of the study.
      now: seconds since 1970.
    """
    config = job.study_stopping
    begun = min((trial.started for trial in trials if trial.started), default=now)
    ended = sum(trial.state in ENDED for trial in trials)
    if not _has_passed(config.get("minimumRuntimeConstraint"), begun, now, True):
        return ""
    if ended < _number(config, "minNumTrials", 0):
        return ""
    most, fruitless = (_number(config, name, math.inf) for name in ("maxNumTrials", "maxNumTrialsNoProgress"))
    idle = _seconds(config.get("maxDurationNoProgress"), math.inf)
    is_late = _has_passed(config.get("maximumRuntimeConstraint"), begun, now, False)
    since, when = _since_progress(job, trials)
    conditions = (
        (is_late, "maximumRuntimeConstraint", "its time limit is reached"),
        # "More than this many": the check is before each trial, and the next one would exceed the number.
        (len(trials) >= most, "maxNumTrials", f"{most:.0f} trials have started"),
        (since >= fruitless, "maxNumTrialsNoProgress", f"no improvement in {fruitless:.0f} trials"),
        (when > 0 and now - when >= idle, "maxDurationNoProgress", f"no improvement in {idle:g} seconds"),
    )
    return next((f"`{name}`: {reason}" for is_met, name, reason in conditions if is_met), "")


def stops_running_trials(job: Job) -> bool:
    """Returns whether running trials are stopped when the study is over, by `shouldStopAsap`."""
    return _is_true(job.study_stopping.get("shouldStopAsap"))


def failures_allowed(job: Job, trials: Sequence[Trial]) -> bool:
    """Returns whether the number of failed trials is below the one that ends the study."""
    return sum(trial.state == INFEASIBLE for trial in trials) < max(1, job.max_failed_trials)


def _is_below_median(job: Job, own: Curve, done: Sequence[Trial]) -> bool:
    reached = [_curve(job, other).until(own.x[-1]) for other in done]
    averages = [curve.y.mean() for curve in reached if len(curve)]
    return bool(averages) and bool(own.y.max() < np.median(averages))


def _is_hopeless(job: Job, trial: Trial, own: Curve, done: Sequence[Trial]) -> bool:
    goal = _best_result(job, done)
    if job.selection == BEST_MEASUREMENT and own.y.max() > goal:
        return False
    longer = _longer(job, trial, own, done)
    if len(longer) < ENOUGH:
        return False
    return curves.probability_to_exceed(goal, own, *zip(*longer, strict=True)) < _UNLIKELY


def _longer(job: Job, trial: Trial, own: Curve, done: Sequence[Trial]) -> list[tuple[Curve, float]]:
    """Returns the curves that are as long as a trial's, with their results, which of a stopped trial are unknown.

    Of a study over networks only those of the same network count: others learn earlier or later.
    """
    network = trial.parameters.get(_NETWORK)
    alike = [other for other in done if not other.stopped_early and other.parameters.get(_NETWORK) == network]
    pairs = [(_curve(job, other), _result(job, other)) for other in alike]
    return [(curve, result) for curve, result in pairs if curve.x[-1] >= own.x[-1]]


def _ends_below(job: Job, own: Curve, done: Sequence[Trial]) -> bool:
    enough, end = _enough(job), _end(job, done)
    if len(done) < enough + 1 or len(own) < enough:
        return False
    if own.x[-1] <= _number(job.stopping.options, "minStepCount", end / 10) or own.x[-1] >= end:
        return False
    if np.ptp(own.y) == 0:  # a flat curve predicts nothing
        return False
    return max(_line(job, own, end), float(own.y.max())) < _best_result(job, done)


def _line(job: Job, own: Curve, end: float) -> float:
    """Returns where the line through the last measurements ends; up to noise, an upper bound of the curve."""
    return float(own.y[-1]) + own.last_slope(max(2, _enough(job))) * (end - float(own.x[-1]))


def _enough(job: Job) -> int:
    return int(_number(job.stopping.options, "minMeasurementCount", 0)) or ENOUGH


def _end(job: Job, done: Sequence[Trial]) -> float:
    """Returns the step or second at which trials end; if no limit is set, that of the longest trial."""
    longest = max(float(_curve(job, other).x[-1]) for other in done)
    return _number(job.stopping.options, "maxStepCount", 0) or longest


def _hint(job: Job, trial: Trial) -> float:
    rate = trial.parameters.get(str(job.stopping.options.get("learningRateParameterName")), 1.0)
    return math.log(rate) if isinstance(rate, float | int) and rate > 0 else 0.0


def _curve(job: Job, trial: Trial) -> Curve:
    by_seconds, sign = _by_seconds(job), 1 if job.maximize else -1
    points = [(one.seconds if by_seconds else one.step, sign * one.value) for one in trial.measurements]
    x, y = (
        np.array(sorted(points), np.float64).reshape(-1, 2).T
    )  # a repeated epoch may have a later time than the next one
    return Curve(x, y)


def _by_seconds(job: Job) -> bool:
    return _is_true(job.stopping.options.get("useElapsedDuration"))


def _result(job: Job, trial: Trial) -> float:
    """Returns a completed trial's result; higher is better."""
    measured = trial.result(job.selection, job.maximize)
    return -math.inf if measured is None else measured.value if job.maximize else -measured.value


def _best_result(job: Job, done: Sequence[Trial]) -> float:
    return max(_result(job, other) for other in done)


def _since_progress(job: Job, trials: Sequence[Trial]) -> tuple[int, float]:
    """Returns how many trials succeeded since the best one, and when that one ended; 0 and 0 if there is none."""
    best, since, when = -math.inf, 0, 0.0
    for trial in sorted(trials, key=lambda trial: (trial.ended, trial.id)):
        if trial.state == SUCCEEDED and trial.measurements:
            result = _result(job, trial)
            best, since, when = (result, 0, trial.ended) if result > best else (best, since + 1, when)
    return since, when


def _has_passed(constraint: Mapping[str, Any] | None, begun: float, now: float, unset: bool) -> bool:
    """Returns whether the time of a `StudyTimeConstraint` has passed; `unset` if there is no constraint."""
    if not constraint:
        return unset
    if "endTime" in constraint:
        end = datetime.datetime.fromisoformat(str(constraint["endTime"]))
        return now >= (end if end.tzinfo else end.replace(tzinfo=datetime.UTC)).timestamp()
    return now - begun >= _seconds(constraint.get("maxDuration"), math.inf)


def _seconds(duration: Any, unset: float) -> float:
    """Returns the seconds of a duration in JSON's form, as in `3600s`."""
    return unset if duration is None else float(str(duration).removesuffix("s"))


def _number(fields: Mapping[str, Any], name: str, unset: float) -> float:
    """Returns a field's number, which JSON may represent as text."""
    value = fields.get(name)
    return unset if value is None else float(value)


def _is_true(value: Any) -> bool:
    return str(value).lower() == "true"
