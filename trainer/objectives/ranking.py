"""How well probabilities rank the samples of a class before all others."""

import numpy as np
import numpy.typing as npt


def average_precision(scores: npt.NDArray[np.floating], is_true: npt.NDArray[np.bool_]) -> float | None:
    """Returns the average precision of one class: precision at each threshold, weighted by the gain in recall.

    Samples with equal scores pass a threshold together. Source: M. Zhu, "Recall, Precision and Average Precision",
    2004; scikit-learn's `average_precision_score` computes the same.

    Args:
      scores: the probability of the class, `(samples,)`.
      is_true: whether a sample is of the class, `(samples,)`.

    Returns:
      From 0 to 1; None if no sample is of the class.
    """
    positives = int(is_true.sum())
    if not positives:
        return None
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    ends = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)  # of the runs of equal scores
    hits = np.cumsum(is_true[order])[ends]
    gains = np.diff(hits, prepend=0)
    return float((gains * (hits / (ends + 1))).sum() / positives)
