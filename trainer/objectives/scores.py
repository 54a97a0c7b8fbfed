"""The scores of a classifier: for each class, from its confusion matrix; and one number for all classes.

`score` has the metrics of `--metric`, from probabilities.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.floating[Any] | np.integer[Any]]

_LEAST = np.finfo(np.float64).tiny  # of a probability whose logarithm is wanted


@dataclasses.dataclass(frozen=True)
class Score:
    """The scores of one class.

    An undefined score is None: a class without images has no recall, which differs from a recall of 0.

    Attributes:
      name: the class.
      precision: the share of correct predictions of this class; 0 if it is never predicted, None if it also has no
        images.
      recall: the share of its images that are classified correctly; None if there are none.
      f1: the harmonic mean of both; 0 if no image is classified correctly, None if there are none.
      support: the number of its images.
    """

    name: str
    precision: float | None
    recall: float | None
    f1: float | None
    support: int


def per_class(confusion: Counts, names: Sequence[str]) -> list[Score]:
    """Returns each class's scores."""
    right, taken, there = np.diagonal(confusion), confusion.sum(axis=0), confusion.sum(axis=1)
    return [
        Score(
            name,
            precision=_share(hits, all_taken) if all_taken or not support else 0.0,
            recall=_share(hits, support),
            f1=_share(2 * hits, all_taken + support) if support else None,
            support=int(support),
        )
        for name, hits, all_taken, support in zip(names, right, taken, there, strict=True)
    ]


def confusions(confusion: Counts, most: int) -> list[tuple[int, int, int]]:
    """Returns the most frequent mistakes: true class, predicted class, number; those of equal numbers in order."""
    wrong = confusion - np.diag(np.diagonal(confusion))
    true, predicted = np.nonzero(wrong)
    order = np.argsort(-wrong[true, predicted], kind="stable")[:most]
    return [(int(true[one]), int(predicted[one]), int(wrong[true[one], predicted[one]])) for one in order]


def balanced_accuracy(correct: Numbers, predicted: Numbers, support: Numbers) -> float:
    """Returns the mean of the recalls of the classes that have samples; NaN if none has.

    As `balanced_accuracy_score` of scikit-learn, https://scikit-learn.org/stable/modules/model_evaluation.html.

    Args:
      correct: how many samples of each class are classified correctly, `(classes,)`.
      predicted: how many samples are classified as it; not used.
      support: how many samples it has.
    """
    there = support > 0
    return float(np.mean(correct[there] / support[there])) if there.any() else np.nan


def macro_f1(correct: Numbers, predicted: Numbers, support: Numbers) -> float:
    """Returns the mean of the F1 scores of the classes that have samples or are predicted; NaN if there is none.

    As `f1_score(average="macro")` of scikit-learn. The arguments are those of `balanced_accuracy`.
    """
    there = predicted + support > 0
    f1 = 2 * correct[there] / (predicted + support)[there]
    return float(np.mean(f1)) if there.any() else np.nan


def area_under_curve(targets: npt.NDArray[np.integer[Any]], values: Numbers) -> float:
    """Returns the area under the ROC curve of each class against the others, on average over the classes.

    The area is the share of the pairs of a sample of the class and another one in which the first has the higher value;
    a pair of equal values counts half. Source: J. A. Hanley, B. J. McNeil, "The Meaning and Use of the Area under a
    Receiver Operating Characteristic (ROC) Curve", 1982. It equals
    `roc_auc_score(multi_class="ovr", average="macro")` of scikit-learn. A class without samples, or without others, has
    no area and is left out; NaN if no class has one.

    Args:
      targets: class numbers, `(samples,)`.
      values: of each class, higher for samples that look more like it, such as probabilities, `(samples, classes)`.
    """
    areas = [_area(targets == one, values[:, one]) for one in range(values.shape[1])]
    known = [area for area in areas if not np.isnan(area)]
    return float(np.mean(known)) if known else np.nan


def cross_entropy(targets: npt.NDArray[np.integer[Any]], probabilities: Numbers) -> float:
    """Returns the mean of minus the logarithm of the probability of the true class; NaN without samples."""
    own = np.asarray(probabilities, np.float64)[np.arange(len(targets)), targets]
    return float(-np.mean(np.log(np.maximum(own, _LEAST)))) if len(targets) else np.nan


def score(metric: str, targets: npt.NDArray[np.integer[Any]], probabilities: Numbers) -> float:
    """Returns a metric of `--metric`; `loss` is the cross-entropy, without weights, smoothing and penalties.

    Args:
      metric: its name.
      targets: class numbers, `(samples,)`.
      probabilities: `(samples, classes)`.

    Raises:
      ValueError: there is no such metric.
    """
    predicted, classes = probabilities.argmax(1), probabilities.shape[1]
    if metric in _OF_COUNTS:
        parts = (targets[predicted == targets], predicted, targets)
        return _OF_COUNTS[metric](*(np.bincount(part, minlength=classes) for part in parts))
    if metric == "accuracy":
        return float(np.mean(predicted == targets)) if len(targets) else np.nan
    if metric == "auc":
        return area_under_curve(targets, probabilities)
    if metric == "loss":
        return cross_entropy(targets, probabilities)
    raise ValueError(f"`metric` must be one of accuracy, {', '.join(_OF_COUNTS)}, auc, loss. Received: {metric}")


def softmax(logits: Numbers) -> npt.NDArray[np.float64]:
    """Returns the probabilities of logits, `(samples, classes)`."""
    shifted = np.asarray(logits, np.float64) - np.max(logits, axis=1, keepdims=True, initial=-np.inf)
    exponentials: npt.NDArray[np.float64] = np.exp(shifted)
    exponentials /= exponentials.sum(axis=1, keepdims=True)
    return exponentials


_OF_COUNTS = {"balanced_accuracy": balanced_accuracy, "macro_f1": macro_f1}


def _area(is_own: npt.NDArray[np.bool_], values: Numbers) -> float:
    own, others = int(is_own.sum()), int((~is_own).sum())
    if not own or not others or np.isnan(values).any():
        return np.nan
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2  # from 1, and of equal values their mean
    return float((ranks[which[is_own]].sum() - own * (own + 1) / 2) / (own * others))


def _share(part: np.int64, whole: np.int64) -> float | None:
    return float(part / whole) if whole else None
