"""The 95 % interval of a share that was counted, as of an accuracy.

The score interval of E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", Journal of
the American Statistical Association 22, 1927. Unlike the usual ± 1.96 standard errors, it stays between 0 and 1, and is
not empty where all of few samples are right.
"""

import math

_Z = 1.959963984540054  # standard deviations: the middle 95 % of a normal distribution


def wilson(share: float, count: int) -> tuple[float, float]:
    """Returns the lower and the upper end of the 95 % interval of a share.

    Args:
      share: of the samples, from 0 to 1.
      count: of the samples, at least 1.

    Raises:
      ValueError: one of both is something else.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"`share` must be from 0 to 1. Received: {share}")
    if count < 1:
        raise ValueError(f"`count` must be at least 1. Received: {count}")
    square = _Z * _Z
    middle = (share + square / (2 * count)) / (1 + square / count)
    half = _Z * math.sqrt(share * (1 - share) / count + square / (4 * count * count)) / (1 + square / count)
    low = 0.0 if share == 0 else max(0.0, middle - half)  # where rounding would leave 1e-17
    high = 1.0 if share == 1 else min(1.0, middle + half)
    return low, high


def percent(share: float, count: int, samples: str) -> str:
    """Returns a share with its interval, as in `98.93% (98.71 to 99.11%, 10,000 images)`.

    Args:
      share: of the samples, from 0 to 1.
      count: of the samples, at least 1.
      samples: what they are, in the plural.
    """
    low, high = wilson(share, count)
    noun = samples.removesuffix("s") if count == 1 else samples
    return f"{share:.2%} ({100 * low:.2f} to {high:.2%}, {count:,} {noun})"
