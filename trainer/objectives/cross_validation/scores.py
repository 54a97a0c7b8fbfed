"""A metric over the folds of a cross-validation."""

import dataclasses
import math
import statistics
from collections.abc import Iterator, Sequence
from typing import Any

from scipy import special

from trainer.metrics import Metric


@dataclasses.dataclass(frozen=True)
class Scores:
    """A metric on the samples that each fold holds out.

    Attributes:
      metric: which one.
      values: of each fold, in order; NaN where it is undefined, as the area under the curve of a single class.
    """

    metric: Metric
    values: Sequence[float]

    @property
    def known(self) -> list[float]:
        """The values that are defined."""
        return [value for value in self.values if math.isfinite(value)]

    @property
    def mean(self) -> float | None:
        """The mean of the values that are defined; None if there is none."""
        return statistics.fmean(self.known) if self.known else None

    @property
    def deviation(self) -> float | None:
        """Their standard deviation, with one degree of freedom less than values; None of fewer than two."""
        return statistics.stdev(self.known) if len(self.known) > 1 else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the mean by Student's t, within the range of the metric; None of fewer than two values.

        Folds share training samples, so their values are not independent: the interval is rather too narrow. Source:
        Y. Bengio, Y. Grandvalet, "No Unbiased Estimator of the Variance of K-Fold Cross-Validation", 2004.
        """
        if self.mean is None or self.deviation is None:
            return None
        count = len(self.known)
        half = float(special.stdtrit(count - 1, 0.975)) * self.deviation / math.sqrt(count)
        return max(self.metric.low, self.mean - half), min(self.metric.high, self.mean + half)

    def to_json(self) -> dict[str, Any]:
        """Returns the name of the metric, the mean and the standard deviation between folds."""
        return {"name": self.metric.name, "mean": self.mean, "standard_deviation": self.deviation}

    def lines(self) -> Iterator[str]:
        """Yields a line about the values."""
        if self.mean is not None:
            spread = "" if self.deviation is None else f", standard deviation {self.deviation:.4f}"
            yield f"cross-validated {self.metric.name} {self.mean:.4f}: mean of {len(self.known)} folds{spread}"
