"""Groups of samples that are almost the same, in one part or in several."""

import dataclasses
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from trainer.data import likeness
from trainer.data.kinds.coarse import Vectors

Indices = npt.NDArray[np.int64]

_BLOCK = 2**24  # likenesses that are computed together


@dataclasses.dataclass(frozen=True)
class Near:
    """A sample that is almost the same as another.

    Attributes:
      index: of the sample.
      original: of the other, which stays: of the test part, else of the validation part, else the first.
      distance: of both in coarse form, of length 1 each: 0 for the same, 1.4 for any two.
    """

    index: int
    original: int
    distance: float


def find(vectors: Vectors, parts: Indices, classes: Indices) -> list[Near]:
    """Returns the near-duplicates, the nearest first; each has one original, so there are fewer than samples.

    It compares all pairs, a block at a time: 50,000 images take a minute, and 200 MB.

    Args:
      vectors: in coarse form, `(count, values)`; see `coarse`.
      parts: of each sample, the number of its part: 0 is that to train on, 2 that to test with.
      classes: of each sample, the number of its class.
    """
    limit = likeness.limit(vectors, classes)
    if limit is None:
        return []
    order = np.lexsort((np.arange(len(parts)), -parts))  # those that stay come first
    ordered = vectors[order]
    found: list[Near] = []
    first = 0
    while first < len(ordered):
        last = min(len(ordered), first + max(1, _BLOCK // (first + 4096)))
        alike = ordered[first:last] @ ordered[:last].T
        alike[np.arange(first, last)[:, np.newaxis] <= np.arange(last)] = -2  # with those before it alone
        nearest = alike.argmax(1)
        distances = np.sqrt(np.maximum(0, 2 - 2 * alike[np.arange(last - first), nearest]))
        found += [
            Near(int(order[first + row]), int(order[nearest[row]]), _rounded(distances[row]))
            for row in np.flatnonzero(distances <= limit)
        ]
        first = last
    return sorted(found, key=lambda one: (one.distance, one.index))


def groups(found: Sequence[Near]) -> list[list[int]]:
    """Returns the indices of the samples of each group, that of the nearest pair first; each begins with its original.

    Args:
      found: as `find` returns them.
    """
    original = {one.index: one.original for one in found}
    members: dict[int, list[int]] = defaultdict(list)
    for one in found:
        root = one.original
        while root in original:
            root = original[root]
        members[root].append(one.index)
    return [[root, *others] for root, others in members.items()]


def _rounded(distance: float) -> float:
    """Returns a distance without the rounding of float32, so that the same samples are at 0."""
    return 0.0 if distance < 2e-3 else round(float(distance), 4)
