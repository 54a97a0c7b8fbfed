"""The folds of numbers: mean absolute error and R²."""

from collections.abc import Sequence

import numpy as np

from trainer.data.held_out import HeldOut
from trainer.metrics import METRICS, Metric
from trainer.objectives.cross_validation.means import Means, Values, Words

_WORDS = Words(
    {"mean_absolute_error": "mean absolute error", "r2": "R²"},
    lambda count: f"A model of {count} number{'' if count == 1 else 's'} a sample",
    "Error",
    ["mean absolute error", "R²"],
)


def of_numbers(predictions: Sequence[HeldOut], metric: Metric) -> Means:
    """Returns the result of folds from their predictions.

    Args:
      predictions: of each fold, in order.
      metric: of `--metric`.
    """
    metrics = dict.fromkeys((METRICS["mean_absolute_error"], METRICS["r2"], metric))
    return Means(predictions, [*metrics], each, (), _WORDS)


def each(metric: str, held: HeldOut) -> Values:
    """Returns a metric of each number, `(numbers,)`, in the user's units; NaN where it is undefined.

    R² and the loss are relative to the variance of the held-out numbers, and undefined where all are equal. The loss is
    the squared error in units of that variance.

    Raises:
      ValueError: there is no such metric.
    """
    true = held.targets.astype(np.float64)
    errors = held.probabilities.astype(np.float64) - true
    if metric == "mean_absolute_error":
        absolute: Values = np.abs(errors).mean(0)
        return absolute
    variance, squared = true.var(0), (errors**2).mean(0)
    relative = np.divide(squared, variance, out=np.full(len(variance), np.nan), where=variance > 0)
    if metric == "r2":
        relative = 1 - relative
    elif metric != "loss":
        raise ValueError(f"`metric` must be one of mean_absolute_error, r2, loss. Received: {metric}")
    found: Values = relative
    return found
