"""How well a classifier does on each class, from how often it takes which for which."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class Score:
    """One class's.

    A share of nothing is None: a class without images has no recall, which is not a recall of 0.

    Attributes:
      name: the class.
      precision: of the images that are taken for it, the share that are; 0 where none is, None where there are no
        images of it either.
      recall: of its images, the share that are taken for it; None where there are none.
      f1: the harmonic mean of both, 0 where no image is found; None where there are no images.
      support: how many images it has.
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


def _share(part: np.int64, whole: np.int64) -> float | None:
    return float(part / whole) if whole else None
