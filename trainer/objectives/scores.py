"""The scores of a classifier for each class, from its confusion matrix."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]


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


def _share(part: np.int64, whole: np.int64) -> float | None:
    return float(part / whole) if whole else None
