"""Studies in simulated time: trials with learning curves and costs, suggested and stopped by the package itself.

A trial of a problem of `benchmarks.objectives` reports a noisy accuracy after each epoch, and its last one is, up to
noise, the accuracy of the objective. Its epochs take longer the more it computes, and epochs of noise-free curves are
known, so that a stopped trial can be judged by what it would have reached.
"""

import dataclasses
import heapq
import math
import random
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks import objectives
from benchmarks.objectives import Objective
from trainer.study.search import stopping
from trainer.study.search.suggestions import suggest
from trainer.study.spec import Job
from trainer.study.trial import ACTIVE, ENDED, SUCCEEDED, Measurement, Trial, best

_CHANCE = 0.1  # the accuracy of a network that has learned nothing
_NOISE = 0.01  # of each epoch, the standard deviation
_START = 4.0  # seconds before the first epoch

Shape = Callable[[Mapping[str, Any], float, float], float]


def exponential(values: Mapping[str, Any], final: float, done: float) -> float:
    """Returns the learned share after a share of the epochs; low learning rates are slow."""
    return 1 - math.exp(-done * min(12.0, 5.0 * (values["learning_rate"] / 1e-3) ** 0.3))


def power(values: Mapping[str, Any], final: float, done: float) -> float:
    """Returns the learned share if a curve rises fast, and then slowly without an end."""
    return 1 - 1 / (1 + 8 * done)


def late(values: Mapping[str, Any], final: float, done: float) -> float:
    """Returns the learned share if the best trials start last."""
    middle = 0.1 + 0.5 * max(0.0, final - 0.5)
    return 1 / (1 + math.exp(-(done - middle) / 0.07))


def overfit(values: Mapping[str, Any], final: float, done: float) -> float:
    """Returns the learned share if a curve peaks, and then falls."""
    return (1 - math.exp(-8 * done)) * (1.06 - 0.06 * done)


def networks(values: Mapping[str, Any], final: float, done: float) -> float:
    """Returns the learned share if one of two networks is six times as slow."""
    return 1 - math.exp(-done * (20.0 if values["padding"] == "same" else 3.3))


SHAPES: Mapping[str, Shape] = {
    "exponential": exponential,
    "power law": power,
    "late": late,
    "overfit": overfit,
    "networks": networks,
}


def seconds_of_an_epoch(values: Mapping[str, Any]) -> float:
    """Returns what an epoch takes: a part for the samples, and one for the multiplications, from 1.03 to 40 s."""
    work = values["filters"] / 16 * (values["kernel_size"] / 3) ** 2 / values["stride"] ** 2
    return 1.0 + 0.9 * float(work)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a simulated study has found, and what that took.

    Attributes:
      regret: the difference between the best possible accuracy and that of the selected trial, without noise.
      epochs: of all trials.
      seconds: simulated.
      trials: how many have ended.
      wrong: how many were stopped although they would have ended better than the best result by then.
    """

    regret: float
    epochs: int
    seconds: float
    trials: int
    wrong: int


class _Curve:
    def __init__(self, objective: Objective, shape: Shape, epochs: int, values: Mapping[str, Any], draw: random.Random):
        self._values, self._shape, self._epochs, self._draw = values, shape, epochs, draw
        self.final = objective(values)
        self._reached = self.final + draw.gauss(0, objectives.NOISE)

    def measured(self, epoch: int) -> float:
        share, whole = (self._shape(self._values, self.final, x) for x in (epoch / self._epochs, 1.0))
        return _CHANCE + (self._reached - _CHANCE) * share / whole + self._draw.gauss(0, _NOISE)


def run(job: Job, objective: Objective, shape: Shape, epochs: int, seed: int) -> Outcome:
    """Runs a study of trials of so many epochs, with the stopping rule and the budget of its job."""
    draw = random.Random(seed)
    trials: dict[int, Trial] = {}
    curves: dict[int, _Curve] = {}
    events: list[tuple[float, int]] = []  # the next epoch of each running trial
    now, wrong = 0.0, 0

    def begin() -> None:
        if len(trials) < job.max_trials and (values := suggest(job, [*trials.values()], seed)):
            number = len(trials) + 1
            trials[number] = Trial(id=number, parameters=values, state=ACTIVE, started=now or 1e-9)
            curves[number] = _Curve(objective, shape, epochs, values, random.Random(seed * 1000 + number))
            heapq.heappush(events, (now + _START + _taken(values, draw), number))

    for _ in range(job.parallel_trials):
        begin()
    while events:
        now, number = heapq.heappop(events)
        if job.budget and now > job.budget:
            break
        trial = trials[number]
        step = len(trial.measurements) + 1
        one = Measurement(step, curves[number].measured(step), now - trial.started)
        trial = dataclasses.replace(trial, measurements=(*trial.measurements, one))
        is_stopped = step < epochs and stopping.should_stop(job, trial, [*trials.values()])
        if is_stopped:
            known = [
                result
                for other in trials.values()
                if other.state in ENDED and (result := other.result(job.selection, True))
            ]
            wrong += curves[number].final > max(result.value for result in known)
        if is_stopped or step == epochs:
            trial = dataclasses.replace(trial, state=SUCCEEDED, stopped_early=is_stopped, ended=now)
            trials[number] = trial
            begin()
        else:
            trials[number] = trial
            heapq.heappush(events, (now + _taken(trial.parameters, draw), number))
    # What runs at the end of the budget is stopped, and counts by its measurements.
    ended = [dataclasses.replace(one, state=SUCCEEDED) for one in trials.values() if one.measurements]
    picked = best(ended, job.selection, maximize=True)
    regret = objectives.optimum(objective) - objective(picked.parameters) if picked else 1.0
    count = sum(len(one.measurements) for one in ended)
    return Outcome(regret, count, min(now, job.budget or now), len(ended), wrong)


def _taken(values: Mapping[str, Any], draw: random.Random) -> float:
    return seconds_of_an_epoch(values) * draw.lognormvariate(0, 0.05)
