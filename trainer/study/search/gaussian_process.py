"""A Gaussian process: predicts results of new parameters from the results of earlier trials.

The kernel is Matérn 5/2 with one length scale per feature (Rasmussen and Williams, Gaussian Processes for Machine
Learning, 2006, 4.17 and 5.1). Its hyperparameters are sampled from their posterior by slice sampling (Neal, Slice
Sampling, 2003) instead of optimised: with ten trials, many length scales explain the results equally well, and a search
that trusts one of them goes wrong. On the problems of `benchmarks/tuning.py`, sampling halved the regret.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from scipy import linalg

from trainer.study.search.space import Array, Space

_SQRT5 = math.sqrt(5)
_JITTER = 1e-8  # keeps the system solvable if rows are equal
# The prior of the log length scales, variance and noise is normal: the mean and the standard deviation. Features span 1
# and results are standardised: a parameter with length 1 matters, and one with length 5 hardly does.
_LENGTH, _VARIANCE, _NOISE = (0.0, 0.8), (0.0, 0.7), (math.log(0.02), 1.0)
_FARTHEST = 4.0  # standard deviations from the prior's mean: the range that is sampled
_BURN_IN, _DRAWS, _THINNING = 8, 8, 2  # sweeps before the first draw, draws, sweeps per draw
_LEARNT_FROM = 64  # results at most from which settings are sampled, so that 200 trials take no longer


def features(space: Space, points: Array) -> tuple[Array, npt.NDArray[np.int64]]:
    """Returns points as features, and the length scale of each feature.

    Numbers are coordinates on their scale, from 0 to 1. Listed numbers are represented by their rank. Categories are
    one-hot, at a distance of 1. A parameter that may be inactive has one more feature, which says whether it is active.

    Args:
      space: the space of the points.
      points: `(points, axes)`.

    Returns:
      An array `(points, features)`, and the index of the length scale of each feature.
    """
    exist, snapped = space.exist(points), space.snapped(points)
    columns: list[Array] = []
    lengths: list[int] = []
    for index, axis in enumerate(space.axes):
        there, column = exist[:, index], snapped[:, index]
        count = len(axis.parameter.values)
        if axis.parameter.kind == "categorical":
            hot = (axis.cells(column)[:, None] == np.arange(count)) * math.sqrt(0.5)
            group = list(np.where(there[:, None], hot, math.sqrt(0.5) / count).T)
        elif axis.parameter.kind == "discrete":
            group = [np.where(there, axis.cells(column) / max(count - 1, 1), 0.5)]
        else:
            group = [column]
        groups = [group, [there.astype(float)]] if axis.parent >= 0 else [group]
        for group in groups:
            lengths += [lengths[-1] + 1 if lengths else 0] * len(group)
            columns += group
    return np.stack(columns, axis=1), np.array(lengths)


@dataclasses.dataclass(frozen=True)
class Posterior:
    """The prediction from one sample of the settings.

    Attributes:
      settings: the logs of the length scales, the variance and the noise.
      lengths: the index of the length scale of each feature.
      known: the features of all trials, finished or running.
      mean: the mean of all results.
      weights: the kernel's weights in the expected result; 0 for trials without a result.
      root: the inverse of the lower Cholesky factor of the covariance.
      best: the best expected result of all trials.
    """

    settings: Array
    lengths: npt.NDArray[np.int64]
    known: Array
    mean: float
    weights: Array
    root: Array
    best: float

    def predict(self, rows: Array) -> tuple[Array, Array]:
        """Returns the expected results for some features, and their standard deviations."""
        kernel = _kernel(self.settings, self.lengths, self.known, rows)
        variances = np.exp(self.settings[-2]) - np.square(self.root @ kernel).sum(axis=0)
        return self.mean + self.weights @ kernel, np.sqrt(np.maximum(variances, 1e-12))


def posteriors(
    rows: Array,
    results: Array,
    pending: Array,
    lengths: npt.NDArray[np.int64],
    random: np.random.Generator,
) -> list[Posterior]:
    """Returns the predictions from several samples of the settings.

    A running trial is assumed to reach its predicted result, which reduces only the uncertainty around it (the kriging
    believer of Ginsbourger et al., Kriging is well-suited to parallelize optimization, 2010).

    Args:
      rows: the features of the finished trials.
      results: their results, standardised.
      pending: the features of the running trials.
      lengths: the index of the length scale of each feature.
      random: the source of the samples.
    """
    count = int(lengths[-1]) + 1
    prior = np.array([_LENGTH] * count + [_VARIANCE, _NOISE]).T
    # A subset that covers the range from the worst to the best result evenly.
    ranks = np.linspace(0, len(results) - 1, min(len(results), _LEARNT_FROM)).astype(int)
    some = np.argsort(results, kind="stable")[ranks]
    squares = _squares(rows[some], lengths)

    def density(settings: Array) -> float:
        return _evidence(settings, squares, results[some]) - 0.5 * float(
            np.sum(((settings - prior[0]) / prior[1]) ** 2)
        )

    draws = _slices(density, prior[0], prior[1], random)
    return [_posterior(settings, rows, results, pending, lengths) for settings in draws]


def _posterior(
    settings: Array, rows: Array, results: Array, pending: Array, lengths: npt.NDArray[np.int64]
) -> Posterior:
    noise = math.exp(settings[-1]) + _JITTER
    kernel = _kernel(settings, lengths, rows, rows)
    factor = linalg.cho_factor(kernel + noise * np.eye(len(rows)), lower=True, check_finite=False)
    mean, weights = _solved(factor, results)
    known = np.concatenate([rows, pending])
    root = linalg.cholesky(
        _kernel(settings, lengths, known, known) + noise * np.eye(len(known)), lower=True, check_finite=False
    )
    inverse = linalg.solve_triangular(root, np.eye(len(known)), lower=True, check_finite=False)
    best = mean + float(np.max(weights @ _kernel(settings, lengths, rows, known)))
    return Posterior(settings, lengths, known, mean, np.pad(weights, (0, len(pending))), inverse, best)


def _squares(rows: Array, lengths: npt.NDArray[np.int64]) -> Array:
    """Returns the squared distance of each pair of rows, per length scale: `(lengths, rows, rows)`."""
    apart = np.square(rows.T[:, :, None] - rows.T[:, None, :])
    return np.add.reduceat(apart, np.unique(lengths, return_index=True)[1], axis=0)


def _kernel(settings: Array, lengths: npt.NDArray[np.int64], left: Array, right: Array) -> Array:
    """Returns the covariances between two sets of rows."""
    scale = np.exp(-settings[lengths])
    left, right = left * scale, right * scale
    squares = np.square(left).sum(axis=1)[:, None] + np.square(right).sum(axis=1) - 2 * left @ right.T
    return _matern(np.maximum(squares, 0), settings)


def _matern(squares: Array, settings: Array) -> Array:
    distance = _SQRT5 * np.sqrt(squares)
    covariances: Array = np.exp(settings[-2]) * (1 + distance + distance**2 / 3) * np.exp(-distance)
    return covariances


def _solved(factor: tuple[Array, bool], results: Array) -> tuple[float, Array]:
    """Returns the mean by generalised least squares, and the weights of the residuals."""
    both = linalg.cho_solve(factor, np.stack([results, np.ones(len(results))], axis=1), check_finite=False)
    mean = both[:, 0].sum() / both[:, 1].sum()
    return float(mean), both[:, 0] - mean * both[:, 1]


def _evidence(settings: Array, squares: Array, results: Array) -> float:
    """Returns the log marginal likelihood of the settings, up to a constant."""
    kernel = _matern(np.tensordot(np.exp(-2 * settings[:-2]), squares, axes=1), settings)
    kernel.flat[:: len(kernel) + 1] += math.exp(settings[-1]) + _JITTER
    factor = linalg.cho_factor(kernel, lower=True, overwrite_a=True, check_finite=False)
    mean, weights = _solved(factor, results)
    return -0.5 * float((results - mean) @ weights) - float(np.log(np.diag(factor[0])).sum())


def _slices(
    density: Callable[[Array], float], centre: Array, deviations: Array, random: np.random.Generator
) -> Sequence[Array]:
    """Returns samples from a density given by its log; one setting moves at a time."""
    draws, here, height = [], centre.copy(), density(centre)
    ends = centre - _FARTHEST * deviations, centre + _FARTHEST * deviations
    for sweep in range(1, _BURN_IN + _DRAWS * _THINNING + 1):
        for index in range(len(here)):
            level = height - random.exponential()
            # A slice of three standard deviations at a random position around the setting.
            low = here[index] - 3 * deviations[index] * random.random()
            high = min(low + 3 * deviations[index], ends[1][index])
            low = max(low, ends[0][index])
            while True:
                there = here.copy()
                there[index] = random.uniform(low, high)
                height = density(there)
                if height >= level:
                    break
                low, high = (there[index], high) if there[index] < here[index] else (low, there[index])
            here = there
        if sweep > _BURN_IN and (sweep - _BURN_IN) % _THINNING == 0:
            draws.append(here)
    return draws
