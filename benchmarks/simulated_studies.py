"""Studies in simulated time: trials with learning curves and costs, suggested and stopped by the package itself.

A trial of a problem of `benchmarks.objectives` reports a noisy accuracy after each epoch; the last one is, up to noise,
that of the objective. So it is known what a stopped trial would have reached. Epochs take longer the more is computed.
"""

import dataclasses
import functools
import heapq
import itertools
import math
import random
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from benchmarks import objectives
from benchmarks.objectives import Objective
from trainer.study.search import stopping
from trainer.study.search.suggestions import suggest
from trainer.study.spec import Job, Stopping
from trainer.study.trial import ACTIVE, ENDED, SUCCEEDED, Measurement, Trial, best

_CHANCE = 0.1  # the accuracy of a network that has learned nothing
_START = 4.0  # seconds before the first epoch
_EPOCH = 1e9  # when a study begins, in seconds since 1970
_PROBLEMS = (objectives.centred, objectives.off_centre)

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
      regret: the difference between the best possible accuracy and that of the selected trial, without noise; 1 if no
        trial has measured anything.
      epochs: of all trials.
      trials: how many have ended.
      wrong: how many were stopped although they would have ended better than the best result by then.
    """

    regret: float
    epochs: int
    trials: int
    wrong: int


class _Curve:
    """The accuracies that one trial reports."""

    def __init__(self, objective: Objective, shape: Shape, epochs: int, values: Mapping[str, Any], draw: random.Random):
        self.final = objective(values)
        self._learned = [shape(values, self.final, epoch / epochs) for epoch in range(1, epochs + 1)]
        self._reached, self._draw = self.final + draw.gauss(0, objectives.NOISE), draw

    def measured(self, epoch: int) -> float:
        share = self._learned[epoch - 1] / self._learned[-1]
        return _CHANCE + (self._reached - _CHANCE) * share + self._draw.gauss(0, objectives.NOISE)


class _Study:
    """A study that is simulated.

    Args:
      job: with its number of trials, those at a time, and its stopping rule. Its budget is that of the suggestions.
      objective: the problem.
      shape: of the learning curves.
      epochs: of each trial.
      seed: of the suggestions and of the noise.
    """

    def __init__(self, job: Job, objective: Objective, shape: Shape, epochs: int, seed: int):
        self._job, self._objective, self._shape, self._epochs, self._seed = job, objective, shape, epochs, seed
        self._draw = random.Random(seed)
        self._curves: dict[int, _Curve] = {}
        self._next: list[tuple[float, int]] = []  # the end of the next epoch of each running trial
        self.trials: dict[int, Trial] = {}
        self.wrong = 0

    def run(self, limit: float) -> None:
        """Runs until there are enough trials, or until a moment in seconds."""
        for _ in range(self._job.parallel_trials):
            self._begin(0.0)
        while self._next and self._next[0][0] <= limit:
            now, number = heapq.heappop(self._next)
            self._measure(now, self.trials[number])
            if self.trials[number].state in ENDED:
                self._begin(now)

    def _begin(self, now: float) -> None:
        before = [*self.trials.values()]
        values = suggest(self._job, before, self._seed) if len(before) < self._job.max_trials else None
        if values is not None:
            number = len(before) + 1
            noise = random.Random(1000 * self._seed + number)  # the same with every rule
            self.trials[number] = Trial(id=number, parameters=values, state=ACTIVE, started=_EPOCH + now)
            self._curves[number] = _Curve(self._objective, self._shape, self._epochs, values, noise)
            heapq.heappush(self._next, (now + _START + self._taken(values), number))

    def _measure(self, now: float, trial: Trial) -> None:
        step = len(trial.measurements) + 1
        one = Measurement(step, self._curves[trial.id].measured(step), _EPOCH + now - trial.started)
        trial = dataclasses.replace(trial, measurements=(*trial.measurements, one))
        before = [*self.trials.values()]
        is_stopped = step < self._epochs and stopping.should_stop(self._job, trial, before)
        if is_stopped:
            top = best(before, self._job.selection, maximize=True)
            result = top.result(self._job.selection, True) if top else None
            self.wrong += result is not None and self._curves[trial.id].final > result.value
        if is_stopped or step == self._epochs:
            trial = dataclasses.replace(trial, state=SUCCEEDED, stopped_early=is_stopped, ended=_EPOCH + now)
        else:
            heapq.heappush(self._next, (now + self._taken(trial.parameters), trial.id))
        self.trials[trial.id] = trial

    def _taken(self, values: Mapping[str, Any]) -> float:
        return seconds_of_an_epoch(values) * self._draw.lognormvariate(0, 0.05)


def run(job: Job, objective: Objective, shape: Shape, epochs: int, seed: int, *, limit: float = math.inf) -> Outcome:
    """Runs a study whose trials have so many epochs, for at most `limit` seconds."""
    study = _Study(job, objective, shape, epochs, seed)
    study.run(limit)
    # What runs at the end is stopped, and counts by its measurements.
    ended = [dataclasses.replace(one, state=SUCCEEDED) for one in study.trials.values() if one.measurements]
    picked = best(ended, job.selection, maximize=True)
    regret = _optimum(objective) - objective(picked.parameters) if picked else 1.0
    return Outcome(regret, sum(len(one.measurements) for one in ended), len(ended), study.wrong)


_optimum = functools.cache(objectives.optimum)


def stopping_table(job: Job, seeds: int, rules: Sequence[str], epochs: int = 16) -> Iterator[str]:
    """Yields what each stopping rule costs and saves, a line for each shape of the curves.

    Args:
      job: the study, whose rule is replaced.
      seeds: studies of each of the two problems.
      rules: `none`, `decay_curve`, `median` or `convex`.
      epochs: of each trial.
    """
    yield (
        f"{f'{job.max_trials} trials of {epochs} epochs, {2 * seeds} studies':<38}{'regret x 1e-3':>15}"
        f"{'epochs':>9}{'stopped by mistake':>20}"
    )
    for name, shape in SHAPES.items():
        for rule in rules:
            ruled = dataclasses.replace(job, stopping=Stopping(rule="" if rule == "none" else rule))
            found = [run(ruled, problem, shape, epochs, seed) for problem in _PROBLEMS for seed in range(seeds)]
            trials = sum(one.trials for one in found)
            share, wrong = sum(one.epochs for one in found) / trials / epochs, sum(one.wrong for one in found) / trials
            yield f"{f'{name}, {rule}':<38}{_mean(found):>15}{share:>9.0%}{wrong:>20.1%}"


def budget_table(job: Job, seeds: int, budget: float = 1200.0, epochs: int = 8) -> Iterator[str]:
    """Yields the regret after a budget, if suggestions know what a trial costs and if they do not."""
    yield f"{f'{budget:.0f} simulated seconds, {seeds} studies':<38}{'regret x 1e-3':>15}{'trials':>9}"
    for problem, known in itertools.product(_PROBLEMS, (0.0, budget)):
        told = dataclasses.replace(job, budget=known)
        found = [run(told, problem, exponential, epochs, seed, limit=budget) for seed in range(seeds)]
        label = f"{problem.__name__}, improvement {'per second' if known else 'alone'}"
        yield f"{label:<38}{_mean(found):>15}{statistics.mean(one.trials for one in found):>9.1f}"


def _mean(found: Sequence[Outcome]) -> str:
    regrets = [1e3 * one.regret for one in found]
    error = statistics.stdev(regrets) / len(regrets) ** 0.5 if len(regrets) > 1 else 0.0
    return f"{statistics.mean(regrets):.1f} ± {error:.1f}"
