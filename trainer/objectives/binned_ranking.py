"""How well logits rank the samples that have a label above those that do not, summed up in bins of the logit.

`trainer.objectives.ranking` has the average precision of scores that are all known.

Average precision needs all scores of a part in order. A histogram of the logits, with bins of 1/64 from -16 to 16, adds
up over batches and replicas; samples within a bin count as ties. Bins of the probability would not do: a network that
is sure gives most samples the same one.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

NAME = "ranking"
_BINS, _LARGEST = 2048, 16.0

Counts = npt.NDArray[Any]


@dataclasses.dataclass(frozen=True)
class LabelScore:
    """The scores of one label; an undefined one is None.

    Attributes:
      average_precision: None if no sample has the label.
      precision: None if no sample is given the label and none has it.
      recall: None if no sample has the label.
      f1: None if no sample has the label.
      support: the number of samples with the label.
    """

    average_precision: float | None
    precision: float | None
    recall: float | None
    f1: float | None
    support: int


class Ranking(keras.metrics.Metric):
    """The number of samples without and with each label by bin of the logit, `(2, labels, bins)`.

    Args:
      labels: the number of labels.
      name: of the metric.
    """

    def __init__(self, labels: int, name: str = NAME):
        super().__init__(name=name, dtype="float32")  # exact up to 16 million samples per bin
        self._labels = labels
        self._counts = self.add_weight(shape=(2 * labels * _BINS,), initializer="zeros", name="counts")

    def update_state(self, y_true: tf.Tensor, y_pred: tf.Tensor, sample_weight: tf.Tensor | None = None) -> None:
        """Adds a batch: targets and logits, `(batch, labels)`."""
        logits = tf.clip_by_value(tf.cast(y_pred, tf.float32), -_LARGEST, _LARGEST)
        logits = tf.where(tf.math.is_finite(logits), logits, -_LARGEST)
        bins = tf.cast((logits + _LARGEST) * (_BINS / (2 * _LARGEST)), tf.int32)
        bins = tf.minimum(bins, _BINS - 1)
        label = tf.range(self._labels)[tf.newaxis]
        rows = (tf.cast(y_true > 0.5, tf.int32) * self._labels + label) * _BINS + bins
        ones = tf.ones_like(logits)
        weights = ones if sample_weight is None else ones * tf.cast(sample_weight, tf.float32)[:, tf.newaxis]
        added = tf.math.unsorted_segment_sum(
            tf.reshape(weights, [-1]), tf.reshape(rows, [-1]), 2 * self._labels * _BINS
        )
        self._counts.assign_add(added)

    def result(self) -> tf.Tensor:
        return tf.reshape(tf.convert_to_tensor(self._counts.value), (2, self._labels, _BINS))


class AveragePrecision(Ranking):
    """The mean over the labels that some sample has of the average precision.

    Args:
      labels: the number of labels.
    """

    _direction = "up"

    def __init__(self, labels: int):
        super().__init__(labels, "average_precision")

    def result(self) -> tf.Tensor:
        absent, present = (tf.cumsum(one, axis=-1, reverse=True) for one in tf.unstack(super().result()))
        support = present[:, :1]
        gained = present - tf.concat([present[:, 1:], tf.zeros_like(support)], -1)
        precision = tf.math.divide_no_nan(present, present + absent)
        each = tf.reduce_sum(tf.math.divide_no_nan(gained, support) * precision, -1)
        has = tf.cast(support[:, 0] > 0, tf.float32)
        return tf.math.divide_no_nan(tf.reduce_sum(each * has), tf.reduce_sum(has))


class F1(keras.metrics.Metric):
    """The mean over the labels of F1, where a sample has a label from a probability of one half.

    A label that no sample has and none is given does not count.

    Args:
      labels: the number of labels.
    """

    _direction = "up"

    def __init__(self, labels: int):
        super().__init__(name="f1", dtype="float32")
        self._counts = self.add_weight(shape=(2, labels), initializer="zeros", name="counts")

    def update_state(self, y_true: tf.Tensor, y_pred: tf.Tensor, sample_weight: tf.Tensor | None = None) -> None:
        """Adds a batch: targets and logits, `(batch, labels)`."""
        true, given = tf.cast(y_true > 0.5, tf.float32), tf.cast(y_pred >= 0, tf.float32)
        weights = 1.0 if sample_weight is None else tf.cast(sample_weight, tf.float32)[:, tf.newaxis]
        both = tf.stack([tf.reduce_sum(true * given * weights, 0), tf.reduce_sum((true + given) * weights, 0)])
        self._counts.assign_add(both)

    def result(self) -> tf.Tensor:
        hits, either = tf.unstack(tf.convert_to_tensor(self._counts.value))
        has = tf.cast(either > 0, tf.float32)
        return tf.math.divide_no_nan(tf.reduce_sum(tf.math.divide_no_nan(2 * hits, either)), tf.reduce_sum(has))


def thresholds(counts: Counts, usual: float) -> list[float]:
    """Returns for each label the probability from which F1 is highest; the usual one where no sample has the label.

    Of equal ones it is the middle, so that a label is not decided by the first sample that has it.

    Args:
      counts: of `Ranking`, `(2, labels, bins)`.
      usual: a probability.
    """
    above = counts[:, :, ::-1].cumsum(-1)[:, :, ::-1]
    support = above[1, :, :1]
    f1 = np.divide(2 * above[1], above[0] + above[1] + support, out=np.zeros(above[1].shape), where=above[1] > 0)
    found = []
    for one, has in zip(f1, support[:, 0] > 0, strict=True):
        best = np.flatnonzero(one >= one.max() - 1e-12)
        run = best[: np.argmax(np.diff(best, append=best[-1] + 2) > 1) + 1]
        # Below the lowest score of all there is no middle.
        logit = _edge(run[-1]) if run[0] == 0 else _edge((run[0] + run[-1]) / 2)
        found.append(float(1 / (1 + np.exp(-logit))) if has else usual)
    return found


def scores(counts: Counts, limits: Sequence[float]) -> list[LabelScore]:
    """Returns each label's scores, with these thresholds of the probability; see `Ranking` for the counts."""
    found = []
    for absent, present, limit in zip(counts[0], counts[1], limits, strict=True):
        edges = np.arange(_BINS) * (2 * _LARGEST / _BINS) - _LARGEST
        taken = edges >= np.log(limit / (1 - limit)) - 1e-6
        hits, wrong, support = present[taken].sum(), absent[taken].sum(), present.sum()
        given = hits + wrong
        found.append(
            LabelScore(
                average_precision=_average_precision(absent, present) if support else None,
                precision=float(hits / given) if given else (0.0 if support else None),
                recall=float(hits / support) if support else None,
                f1=float(2 * hits / (given + support)) if support else None,
                support=int(support),
            )
        )
    return found


def _average_precision(absent: Counts, present: Counts) -> float:
    below, above = absent[::-1].cumsum(), present[::-1].cumsum()
    precision = np.divide(above, above + below, out=np.zeros(len(above)), where=above + below > 0)
    return float((present[::-1] * precision).sum() / present.sum())


def _edge(number: float) -> float:
    """Returns the logit at which a bin begins."""
    return float(number * (2 * _LARGEST / _BINS) - _LARGEST)
