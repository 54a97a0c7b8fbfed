"""Learning curves: predicts the end of a trial from earlier trials. Higher values are better throughout."""

import dataclasses
import itertools
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import scipy.special

Array = npt.NDArray[np.float64]

_POINTS = 8  # the points of a curve that are compared; more do not improve the prediction
# Of the Gaussian process: the distance between curves of the same kind, in standard deviations of all values, and the
# share of noise in the spread. All pairs are weighted by likelihood: with few curves, the best pair is overconfident.
_SCALES = (0.3, 1.0, 3.0, 10.0)
_NOISES = (0.003, 0.03, 0.3, 3.0)
_LONGEST = 10_000  # values by which a series is extended, at most


@dataclasses.dataclass(frozen=True)
class Curve:
    """One trial's values.

    Attributes:
      x: steps or seconds, ascending; shape (points,).
      y: the values at `x`; higher is better; shape (points,).
    """

    x: Array
    y: Array

    def __len__(self) -> int:
        return len(self.x)

    def until(self, x: float) -> "Curve":
        """Returns the part up to and including `x`."""
        return Curve(self.x[self.x <= x], self.y[self.x <= x])

    def last_slope(self, points: int) -> float:
        """Returns the slope of a line through the last points; 0 if they do not define one."""
        x, y = self.x[-points:], self.y[-points:]
        spread = float(((x - x.mean()) ** 2).sum())
        return float(((x - x.mean()) * (y - y.mean())).sum()) / spread if spread else 0.0


def probability_to_exceed(goal: float, own: Curve, others: Sequence[Curve], results: Sequence[float]) -> float:
    """Returns the probability that the result of an unfinished curve exceeds a goal.

    A Gaussian process maps a curve to its remaining gain. Curves are similar if their values so far are similar. The
    mean and the variance are integrated out, which gives Student's t distribution: with few curves it is wide.
    Source: Golovin et al. 2017, "Google Vizier", section 3.2.2; the integrals are in Santner, Williams, Notz 2003, 4.1.

    Args:
      goal: the value to exceed.
      own: the unfinished curve, with at least one point.
      others: at least two finished curves that are at least as long.
      results: the results of `others`.
    """
    gains = _gains(own, others, results)
    if gains is None:
        return 1.0
    weights, means, deviations = gains
    chances = scipy.special.stdtr(len(results) - 1, (means - (goal - own.y[-1])) / deviations)
    return float(weights @ chances)


def expected_result(own: Curve, others: Sequence[Curve], results: Sequence[float]) -> float:
    """Returns the expected result of an unfinished curve, by the same process and with the same arguments."""
    gains = _gains(own, others, results)
    return float(own.y[-1]) + (float(gains[0] @ gains[1]) if gains else 0.0)


def _gains(own: Curve, others: Sequence[Curve], results: Sequence[float]) -> tuple[Array, Array, Array] | None:
    """Returns the weight of each Gaussian process, and the mean and deviation that it predicts for the remaining gain.

    None if all curves were the same: they say nothing about a different one.
    """
    grid = own.x[np.unique(np.linspace(0, len(own) - 1, _POINTS).round().astype(int))]
    values = np.array([np.interp(grid, curve.x, curve.y) for curve in [*others, own]])  # (curves, points), own last
    gains = np.asarray(results) - values[:-1, -1]
    unit = float(np.concatenate([values[:-1].ravel(), results]).std())
    if not np.ptp([*values[:-1].ravel(), *results]):
        return None
    distances = ((values[:, None] - values[None]) ** 2).mean(-1) / unit**2
    found = [_gain(distances, gains, scale, noise, unit) for scale, noise in itertools.product(_SCALES, _NOISES)]
    likelihoods, means, deviations = np.array(found).T
    weights = np.exp(likelihoods - likelihoods.max())
    return weights / weights.sum(), means, deviations


def _gain(distances: Array, gains: Array, scale: float, noise: float, unit: float) -> tuple[float, float, float]:
    """Returns the log likelihood of one Gaussian process, and the mean and deviation that it predicts."""
    alike = np.exp(-distances / (2 * scale**2))
    factor = np.linalg.cholesky(alike[:-1, :-1] + noise * np.eye(len(gains)))
    ones, gain, to_own = np.linalg.solve(factor, np.stack([np.ones(len(gains)), gains, alike[:-1, -1]], -1)).T
    precision = ones @ ones
    mean = ones @ gain / precision
    rest = gain - mean * ones
    # If all curves gain exactly the same, the process would be certain.
    variance = max(rest @ rest / (len(gains) - 1), (1e-3 * unit) ** 2)
    expected = mean + to_own @ rest
    spread = variance * (1 + noise - to_own @ to_own + (1 - ones @ to_own) ** 2 / precision)
    likelihood = -np.log(factor.diagonal()).sum() - (np.log(precision) + (len(gains) - 1) * np.log(variance)) / 2
    return float(likelihood), float(expected), math.sqrt(spread)


def go_on(own: Curve, hint: float, others: Sequence[tuple[Curve, float]], end: float, order: int) -> float | None:
    """Returns the value that a curve reaches if it continues as others did; None if no other curve is long enough.

    One autoregressive model describes all curves: the next value is linear in the previous values and the hint.

    Args:
      own: the curve, with at least two points.
      hint: another known property of the trial, such as the logarithm of its learning rate.
      others: finished curves, each with its hint.
      end: the position on the x-axis.
      order: how many previous values the model uses; at most all values of the curve.
    """
    order = min(order, len(own))
    rows = [
        [1.0, of, *curve.y[index - order : index + 1]] for curve, of in others for index in range(order, len(curve))
    ]
    if not rows:
        return None
    table = np.array(rows)
    factors, *_ = np.linalg.lstsq(table[:, :-1], table[:, -1], rcond=None)
    known = np.concatenate([own.y, table[:, 2:].ravel()])
    window = [*own.y[-order:].tolist()]
    apart = np.diff(own.x)
    apart = apart[apart > 0]  # two measurements may have the same time
    steps = (end - own.x[-1]) / np.median(apart) if len(apart) else 0
    for _ in range(round(min(steps, _LONGEST))):
        following = factors @ np.array([1.0, hint, *window])
        window = [*window[1:], float(following.clip(known.min(), known.max()))]  # the series may diverge
    return float(window[-1])
