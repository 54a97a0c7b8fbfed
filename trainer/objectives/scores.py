"""How well a classifier does on each class, from how often it takes which for which."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class Score:
    """One class's.

    Attributes:
      name: the class.
      precision: of the images that are taken for it, the share that are; 0 where none is.
      recall: of its images, the share that are taken for it; 0 where there are none.
      f1: the harmonic mean of both; 0 where both are.
      support: how many images it has.
    """

    name: str
    precision: float
    recall: float
    f1: float
    support: int


def per_class(confusion: Counts, names: Sequence[str]) -> list[Score]:
    """Returns each class's scores."""
    right, taken, there = np.diagonal(confusion), confusion.sum(axis=0), confusion.sum(axis=1)
    return [
        Score(name, _share(hits, all_taken), _share(hits, support), _share(2 * hits, all_taken + support), int(support))
        for name, hits, all_taken, support in zip(names, right, taken, there, strict=True)
    ]


def _share(part: np.int64, whole: np.int64) -> float:
    return float(part / whole) if whole else 0.0
