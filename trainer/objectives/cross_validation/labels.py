"""The folds of several labels: mean average precision and F1."""

from collections.abc import Sequence

import numpy as np

from trainer.data.held_out import HeldOut
from trainer.metrics import METRICS, Metric
from trainer.objectives.cross_validation.means import Means, Values, Words
from trainer.objectives.ranking import average_precision

_LEAST = np.finfo(np.float64).tiny  # of a probability whose logarithm is wanted
_WORDS = Words(
    {"average_precision": "mean average precision", "f1": "F1"},
    lambda count: f"A model of several labels a sample: {count} labels",
    "Labels",
    ["average precision", "F1", "held-out samples with it"],
)


def of_labels(predictions: Sequence[HeldOut], metric: Metric) -> Means:
    """Returns the result of folds from their predictions.

    Args:
      predictions: of each fold, in order.
      metric: of `--metric`.
    """
    support = sum(one.targets.sum(0) for one in predictions)
    metrics = dict.fromkeys((METRICS["average_precision"], METRICS["f1"], metric))
    return Means(predictions, [*metrics], each, [f"{int(count):,}" for count in support], _WORDS)


def each(metric: str, held: HeldOut) -> Values:
    """Returns a metric of each label, `(labels,)`; NaN where no sample has the label.

    The loss is the cross-entropy, without weights and penalties. F1 gives a label from a probability of one half, and
    is also defined where a label is only given wrongly.

    Raises:
      ValueError: there is no such metric.
    """
    has, shares = held.targets > 0, held.probabilities.astype(np.float64)
    if metric == "average_precision":
        found = [average_precision(one, own) for one, own in zip(shares.T, has.T, strict=True)]
        return np.array([np.nan if one is None else one for one in found])
    if metric == "f1":
        given = shares >= 0.5
        either = (has.sum(0) + given.sum(0)).astype(np.float64)
        f1: Values = np.divide(2.0 * (has & given).sum(0), either, out=np.full(len(either), np.nan), where=either > 0)
        return f1
    if metric == "loss":
        losses: Values = -np.log(np.maximum(np.where(has, shares, 1 - shares), _LEAST)).mean(0)
        return losses
    raise ValueError(f"`metric` must be one of average_precision, f1, loss. Received: {metric}")
