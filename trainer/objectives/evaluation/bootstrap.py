"""The 95 % interval of a score by the bootstrap: the score of samples that are drawn again, with replacement.

The interval is the bias-corrected one of B. Efron, "Better Bootstrap Confidence Intervals", 1987. A resample has some
of the few samples of a rare label twice, which raises its average precision: plain percentiles are too high. In a
simulation of five labels, of which the rarest had 3 % of the samples, plain percentiles contained the true mean average
precision for 80 % of the sets of 50 samples, these for 83 %; for 93 % and 97 % of the sets of 200.
"""

import statistics
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

Interval = tuple[float, float]
Scores = npt.NDArray[np.float64]  # one for each resample, or `(resamples, outputs)`; NaN where undefined
Weights = npt.NDArray[np.float32]  # how often each sample is drawn, `(resamples, samples)`

FEWEST_SAMPLES = 10  # of fewer, the interval would be much too narrow
_MOST, _FEWEST = 1000, 200  # resamples
_WORK = 2 * 10**8  # samples, outputs and resamples together: some seconds
_AT_ONCE = 2**20  # weights in memory
_NORMAL = statistics.NormalDist()
_ENDS = (_NORMAL.inv_cdf(0.025), _NORMAL.inv_cdf(0.975))
_NEAR = 0.01  # resamples are too few to tell smaller shares


def resampled(count: int, outputs: int, score: Callable[[Weights], Scores]) -> Scores:
    """Returns the scores of 200 to 1,000 resamples; fewer of large data, whose interval needs less precision.

    Args:
      count: of the samples.
      outputs: how many outputs of each the score uses.
      score: returns the score of each row of weights.
    """
    resamples = max(_FEWEST, min(_MOST, _WORK // (count * outputs)))
    return np.concatenate([score(weights) for weights in _drawn(count, resamples)])


def interval(score: float, drawn: Scores, samples: int) -> Interval | None:
    """Returns the 95 % interval of a score.

    Args:
      score: of the samples.
      drawn: of resamples, `(resamples,)`.
      samples: how many there are, or how many have the label.

    Returns:
      Its ends; None of fewer than 10 samples, or if all resamples have one score, as where everything is right.
    """
    defined = drawn[~np.isnan(drawn)]
    if samples < FEWEST_SAMPLES or np.isnan(score) or not len(defined) or defined.min() == defined.max():
        return None
    below = float(np.mean(defined < score) + np.mean(defined == score) / 2)
    shift = 2 * _NORMAL.inv_cdf(min(1 - _NEAR, max(_NEAR, below)))
    low, high = np.quantile(defined, [_NORMAL.cdf(shift + end) for end in _ENDS]).tolist()
    return low, high


def once(count: int) -> Weights:
    """Returns the weights of the samples themselves, `(1, samples)`."""
    return np.ones((1, count), np.float32)


def mean(scores: Scores) -> Scores:
    """Returns the mean over the outputs, of those that are defined, `(resamples,)`; NaN where none is."""
    has = ~np.isnan(scores)
    total, count = np.where(has, scores, 0).sum(1), has.sum(1)
    return np.asarray(np.divide(total, count, out=np.full(len(scores), np.nan), where=count > 0), np.float64)


def known(score: float | np.floating[Any]) -> float | None:
    """Returns a score, or None where it is undefined, as JSON has it."""
    return None if np.isnan(score) else float(score)


def _drawn(count: int, resamples: int) -> Iterator[Weights]:
    random, step = np.random.default_rng(0), max(1, _AT_ONCE // count)
    for first in range(0, resamples, step):
        size = min(step, resamples - first)
        drawn = random.integers(0, count, (size, count)) + count * np.arange(size)[:, np.newaxis]
        yield np.bincount(drawn.reshape(-1), minlength=size * count).reshape(size, count).astype(np.float32)
