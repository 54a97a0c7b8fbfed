"""Chooses the next trial with a Gaussian process; an Optuna sampler."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState
from scipy import special
from threadpoolctl import threadpool_limits

from trainer.study.search.gaussian_process import Posterior, features, posteriors
from trainer.study.search.space import Array, Axis, Space
from trainer.study.spec import Value

SECONDS = "seconds"  # Optuna's attribute of a trial with what it took

_MOST_QUASI_RANDOM = 10
_TURNS = 100  # points of the quasi-random sequence that are searched for a new one
_SAME = 1e-9  # of an axis: coordinates that are closer count as equal
_WORST = 5.0  # lower bound of results: this many times as far below the median as the best is above it
_RANDOM, _NEAR = 1000, 300  # candidates in the whole space, and near the best trials
_ROUNDS, _KEPT, _CHANGES, _REACH, _SHRINK = 12, 8, 40, 0.1, 0.75  # of the local search


def distribution(axis: Axis) -> BaseDistribution:
    """Returns Optuna's distribution of a parameter: a choice if its values are listed, else its coordinate."""
    return CategoricalDistribution(axis.parameter.values) if axis.listed else FloatDistribution(0.0, 1.0)


def optuna_value(axis: Axis, coordinate: float) -> Value:
    """Returns Optuna's value of a parameter: a listed value itself, else its coordinate."""
    return axis.value(coordinate) if axis.listed else coordinate


class GaussianProcessSampler(BaseSampler):
    """An Optuna sampler that maximises the expected improvement under a Gaussian process.

    The first trials are quasi-random. Each later one is the point with the highest expected improvement on the best
    result, averaged over samples of the process. A failed trial counts as the worst result, a running one as its
    prediction. No point is tried twice while there are others, since equal parameters and seeds give equal results.

    Args:
      space: the space to search.
      seed: the seed of the quasi-random trials and, together with the number of earlier trials, of each later one. A
        suggestion depends only on the seed and the trials.
      per_second: whether to maximise the expected improvement per second. The seconds of a trial are predicted by a
        second Gaussian process, over the logarithm of the attribute `seconds` of the complete trials.
        Source: Snoek et al., Practical Bayesian Optimization of Machine Learning Algorithms, 2012, section 3.2.
    """

    def __init__(self, space: Space, seed: int, *, per_second: bool = False):
        self._space, self._seed, self._per_second = space, seed, per_second

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return {axis.parameter.name: distribution(axis) for axis in self._space.axes}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        before = [one for one in study.get_trials(deepcopy=False) if one.number != trial.number]
        point = self._next(before, 1.0 if study.direction == StudyDirection.MAXIMIZE else -1.0)
        return {
            axis.parameter.name: optuna_value(axis, float(coordinate))
            for axis, coordinate in zip(self._space.axes, point, strict=True)
        }

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        return RandomSampler(self._seed).sample_independent(study, trial, param_name, param_distribution)

    def _next(self, before: Sequence[FrozenTrial], sign: float) -> Array:
        count = len(before)
        complete = [one for one in before if one.state == TrialState.COMPLETE]
        failed = [one for one in before if one.state == TrialState.FAIL]
        running = [one for one in before if not one.state.is_finished()]
        tried, pending = self._points([*complete, *failed]), self._points(running)
        both = np.concatenate([tried, pending])
        if not complete or count < min(len(self._space.axes) + 2, _MOST_QUASI_RANDOM):
            return self._first(both)
        results = standardised(np.array([sign * float(one.value or 0.0) for one in complete]), len(failed))
        random = np.random.default_rng([self._seed, count])
        rows, lengths = features(self._space, both)
        start = tried[np.argsort(-results, kind="stable")[:_KEPT]]
        # While trials use all cores, matrices this small take five times as long on two threads as on one.
        with threadpool_limits(1, user_api="blas"):
            models = posteriors(rows[: len(tried)], results, rows[len(tried) :], lengths, random)
            cost = self._cost(complete, rows, lengths, random) if self._per_second else None
            return Search(self._space, models, both, random, cost).best(start)

    def _cost(
        self, complete: Sequence[FrozenTrial], rows: Array, lengths: npt.NDArray[np.int64], random: np.random.Generator
    ) -> Callable[[Array], Array] | None:
        """Returns a function from features to the log of the expected seconds; None if no trial has a time."""
        timed = [index for index, one in enumerate(complete) if one.user_attrs.get(SECONDS, 0) > 0]
        if not timed:
            return None
        logs = np.log([complete[index].user_attrs[SECONDS] for index in timed])
        unit = float(logs.std()) or 1.0
        models = posteriors(rows[timed], (logs - logs.mean()) / unit, rows[:0], lengths, random)
        return lambda some: np.mean([model.predict(some)[0] for model in models], axis=0) * unit

    def _first(self, tried: Array) -> Array:
        """Returns the next point of the quasi-random sequence that was not tried yet."""
        points = quasi_random(range(len(tried), len(tried) + _TURNS), len(self._space.axes), self._seed)
        point: Array = points[int(np.argmax(new(self._space, points, tried)))]
        return point

    def _points(self, trials: Sequence[FrozenTrial]) -> Array:
        return np.array([self._point(one.params) for one in trials]).reshape(len(trials), len(self._space.axes))

    def _point(self, params: Mapping[str, Any]) -> Array:
        found = [(axis, params.get(axis.parameter.name)) for axis in self._space.axes]
        return np.array(
            [0.5 if value is None else axis.coordinate(value) if axis.listed else value for axis, value in found]
        )


class Search:
    """The search for the point with the highest expected improvement.

    Args:
      space: the space to search.
      models: the predictions.
      tried: points to exclude.
      random: the source of the candidates.
      cost: gives the log of what a trial with some features costs, up to a constant; None if all cost the same.
    """

    def __init__(
        self,
        space: Space,
        models: Sequence[Posterior],
        tried: Array,
        random: np.random.Generator,
        cost: Callable[[Array], Array] | None = None,
    ):
        self._space, self._models, self._random = space, models, random
        self._tried, self._cost = tried, cost

    def best(self, start: Array) -> Array:
        """Returns the best point: among candidates everywhere and near some points, then closer and closer."""
        near = self._changed(np.repeat(start, -(-_NEAR // len(start)), axis=0), _REACH)
        points = np.concatenate([self._random.random((_RANDOM, start.shape[1])), near])
        kept, gains = self._kept(points, self._gains(points))
        reach = _REACH
        for _ in range(_ROUNDS):
            points = self._changed(np.repeat(kept, _CHANGES, axis=0), reach)
            both = np.concatenate([kept, points]), np.concatenate([gains, self._gains(points)])
            kept, gains = self._kept(*both)
            reach *= _SHRINK
        point: Array = kept[0]
        return point

    def _changed(self, points: Array, reach: float) -> Array:
        """Returns points with one or two new coordinates, a third of them anywhere, the others near the old ones."""
        count = points.shape[1]
        near = np.clip(points + self._random.normal(0, reach, points.shape), 0, 1)
        anew = np.where(self._random.random(points.shape) < 0.3, self._random.random(points.shape), near)
        return np.where(self._random.random(points.shape) < min(1.5 / count, 1.0), anew, points)

    def _gains(self, points: Array) -> Array:
        """Returns the log expected improvement at each point, per unit of cost if there is one."""
        rows, _ = features(self._space, points)
        gains = np.array([_log_gain(*model.predict(rows), model.best) for model in self._models])
        whole = np.logaddexp.reduce(gains, axis=0) - (self._cost(rows) if self._cost else 0.0)
        return np.where(new(self._space, points, self._tried), whole, -np.inf)

    @staticmethod
    def _kept(points: Array, gains: Array) -> tuple[Array, Array]:
        order = np.argsort(-gains, kind="stable")[:_KEPT]
        return points[order], gains[order]


def new(space: Space, points: Array, tried: Array) -> npt.NDArray[np.bool_]:
    """Returns which points differ in their values from all points that were tried."""
    apart = np.abs(space.snapped(points)[:, None] - space.snapped(tried)[None])
    differs: npt.NDArray[np.bool_] = np.all(np.any(apart > _SAME, axis=2), axis=1)
    return differs


def quasi_random(turns: range, axes: int, seed: int) -> Array:
    """Returns points of a sequence that fills the unit cube evenly; the seed gives its start.

    Source: Roberts, The Unreasonable Effectiveness of Quasirandom Sequences, 2018.
    """
    root = 2.0
    for _ in range(64):  # the root of x^(axes + 1) = x + 1
        root = (1 + root) ** (1 / (axes + 1))
    steps = root ** -np.arange(1.0, axes + 1)
    points: Array = (np.random.default_rng(seed).random(axes) + np.outer(turns, steps)) % 1
    return points


def standardised(results: Array, failed: int) -> Array:
    """Returns results with mean 0 and deviation 1, followed by those of failed trials, which equal the worst one.

    Outliers, such as a loss of a million, are clipped to a bad result, because they would hide all differences between
    the others.
    """
    middle = np.median(results)
    floor = middle - _WORST * (results.max() - middle) if results.max() > middle else results.min()
    bounded = np.maximum(results, floor)
    bounded = np.append(bounded, np.full(failed, bounded.min()))
    deviation = bounded.std()
    scaled: Array = (bounded - bounded.mean()) / (deviation if deviation > 0 else 1.0)
    return scaled


def _log_gain(expected: Array, deviations: Array, best: float) -> Array:
    """Returns the log expected improvement, which is finite even if the improvement rounds to 0.

    Source: Ament et al., Unexpected Improvements to Expected Improvement for Bayesian Optimization, 2023.
    """
    ahead = (expected - best) / deviations
    near, behind = np.maximum(ahead, -1), np.maximum(-ahead, 1)
    # Below the best, the gain is the density times 1 - t m(t) with Mills's ratio m. Far below, this is about
    # 1 / (t² + 2), and the difference has no correct digits left.
    ratio = 1 - behind * math.sqrt(math.pi / 2) * special.erfcx(behind / math.sqrt(2))
    ratio = np.where(behind > 1e3, 1 / (behind**2 + 2), ratio)
    gains: Array = np.where(
        ahead > -1,
        np.log(_density(near) + near * special.ndtr(near)),
        np.log(ratio) - 0.5 * behind**2 - 0.5 * math.log(2 * math.pi),
    )
    return gains + np.log(deviations)


def _density(ahead: Array) -> Array:
    return np.exp(-0.5 * ahead**2) / math.sqrt(2 * math.pi)
