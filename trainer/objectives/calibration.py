"""Whether a classifier's probabilities are as high as its accuracy.

Source: C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On Calibration of Modern Neural Networks", ICML 2017.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

BINS = 15  # as in the paper


@dataclasses.dataclass(frozen=True)
class Bin:
    """The samples whose highest probability is in one interval.

    Attributes:
      low: the lower end of the interval, which does not belong to it.
      high: the upper end, which does.
      samples: their number.
      confidence: the mean of their highest probabilities; None without samples.
      accuracy: the share of them that is classified correctly; None without samples.
    """

    low: float
    high: float
    samples: int
    confidence: float | None
    accuracy: float | None


def bins(confidence: npt.NDArray[np.floating], is_right: npt.NDArray[np.bool_], count: int = BINS) -> list[Bin]:
    """Returns the bins of a reliability diagram: intervals of equal width from 0 to 1.

    Args:
      confidence: the highest probability of each sample, `(samples,)`.
      is_right: whether it is classified correctly, `(samples,)`.
      count: of the bins.
    """
    edges = np.linspace(0, 1, count + 1)
    which = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, count - 1)
    samples, sums, right = (
        np.bincount(which, weights, count) for weights in (None, confidence.astype(np.float64), is_right)
    )
    return [
        Bin(low, high, int(own), sums[index] / own if own else None, right[index] / own if own else None)
        for index, (low, high, own) in enumerate(zip(edges[:-1].tolist(), edges[1:].tolist(), samples, strict=True))
    ]


def expected_error(found: Sequence[Bin]) -> float:
    """Returns the expected calibration error: the mean distance of confidence and accuracy, weighted by samples.

    Raises:
      ValueError: no bin has a sample.
    """
    total = sum(one.samples for one in found)
    if not total:
        raise ValueError("a bin must have a sample")
    distances = (
        one.samples * abs(one.confidence - one.accuracy)
        for one in found
        if one.confidence is not None and one.accuracy is not None
    )
    return float(sum(distances) / total)
