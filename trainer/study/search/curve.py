"""Learning curves: predicts how a trial ends from the trials before. Numbers only; more is better throughout."""

import dataclasses
import itertools
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import scipy.special

Array = npt.NDArray[np.float64]

_POINTS = 8  # of a curve are compared; more add nothing
# Of the Gaussian process: how far apart curves of the same kind are, in standard deviations of all values, and how much
# of the spread is noise. All pairs are weighed by their likelihood: a single best one is overconfident with few curves.
_SCALES = (0.3, 1.0, 3.0, 10.0)
_NOISES = (0.003, 0.03, 0.3, 3.0)
_LONGEST = 10_000  # values that a series is continued by


@dataclasses.dataclass(frozen=True)
class Curve:
    """One trial's values.

    Attributes:
      x: steps or seconds, ascending; shape (points,).
      y: the values there, the higher the better; shape (points,).
    """

    x: Array
    y: Array

    def __len__(self) -> int:
        return len(self.x)

    def until(self, x: float) -> "Curve":
        """Returns the part up to and with `x`."""
        return Curve(self.x[self.x <= x], self.y[self.x <= x])

    def last_slope(self, points: int) -> float:
        """Returns the slope of a line through the last points; 0 if they do not define one."""
        x, y = self.x[-points:], self.y[-points:]
        spread = float(((x - x.mean()) ** 2).sum())
        return float(((x - x.mean()) * (y - y.mean())).sum()) / spread if spread else 0.0


def probability_to_exceed(goal: float, own: Curve, others: Sequence[Curve], results: Sequence[float]) -> float:
    """Returns how likely the result of an unfinished curve exceeds a goal.

    A Gaussian process from curves to what they still gain. Curves are alike where their values up to here are, whatever
    their form. Its mean and variance are integrated out, which leaves Student's t: few curves make it unsure.
    Source: Golovin et al. 2017, "Google Vizier", section 3.2.2; the integrals are Santner, Williams, Notz 2003, 4.1.

    Args:
      goal: to exceed.
      own: the unfinished curve, of one point at least.
      others: at least two finished ones that are at least as long.
      results: theirs.
    """
    grid = own.x[np.unique(np.linspace(0, len(own) - 1, _POINTS).round().astype(int))]
    values = np.array([np.interp(grid, curve.x, curve.y) for curve in [*others, own]])  # (curves, points), own last
    gains = np.asarray(results) - values[:-1, -1]
    needed = goal - values[-1, -1]
    unit = float(np.concatenate([values[:-1].ravel(), results]).std())
    if not np.ptp([*values[:-1].ravel(), *results]):
        return 1.0  # all trials were the same: nothing is known about any other
    distances = ((values[:, None] - values[None]) ** 2).mean(-1) / unit**2
    found = [_gain(distances, gains, scale, noise, unit) for scale, noise in itertools.product(_SCALES, _NOISES)]
    likelihoods, means, deviations = np.array(found).T
    weights = np.exp(likelihoods - likelihoods.max())
    chances = scipy.special.stdtr(len(gains) - 1, (means - needed) / deviations)
    return float((weights * chances).sum() / weights.sum())


def _gain(distances: Array, gains: Array, scale: float, noise: float, unit: float) -> tuple[float, float, float]:
    """Returns the log likelihood of one Gaussian process, and the mean and deviation that it predicts."""
    alike = np.exp(-distances / (2 * scale**2))
    factor = np.linalg.cholesky(alike[:-1, :-1] + noise * np.eye(len(gains)))
    ones, gain, to_own = np.linalg.solve(factor, np.stack([np.ones(len(gains)), gains, alike[:-1, -1]], -1)).T
    precision = ones @ ones
    mean = ones @ gain / precision
    rest = gain - mean * ones
    # Curves that all gain exactly the same would make it certain.
    variance = max(rest @ rest / (len(gains) - 1), (1e-3 * unit) ** 2)
    expected = mean + to_own @ rest
    spread = variance * (1 + noise - to_own @ to_own + (1 - ones @ to_own) ** 2 / precision)
    likelihood = -np.log(factor.diagonal()).sum() - (np.log(precision) + (len(gains) - 1) * np.log(variance)) / 2
    return float(likelihood), float(expected), math.sqrt(spread)


def go_on(own: Curve, hint: float, others: Sequence[tuple[Curve, float]], end: float, order: int) -> float | None:
    """Returns the value that a curve reaches if it continues as others did; nothing if no other was long enough.

    One autoregressive model of all curves: the next value is linear in the values before it and the hint.

    Args:
      own: the curve, of two points at least.
      hint: something else that is known of it, such as the logarithm of its learning rate.
      others: finished curves, each with its hint.
      end: where on the x-axis.
      order: how many values before it, or all that the curve has.
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
    apart = apart[apart > 0]  # seconds may be the same
    steps = (end - own.x[-1]) / np.median(apart) if len(apart) else 0
    for _ in range(round(min(steps, _LONGEST))):
        following = factors @ np.array([1.0, hint, *window])
        window = [*window[1:], float(following.clip(known.min(), known.max()))]  # such a series may grow without an end
    return float(window[-1])
