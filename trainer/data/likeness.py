"""Finds near-duplicates across parts: samples that are almost the same as one that is trained on, or validated with."""

import numpy as np
import numpy.typing as npt

from trainer.data.kinds.coarse import Vectors

Indices = npt.NDArray[np.int64]

# The distance of two vectors of length 1. Photographs that are compressed again move by 0.01 to 0.05, as PNG or at half
# the size by 0.02 to 0.09; the nearest of 155 others is at 0.39. The nearest pair of scikit-learn's digits is at 0.087,
# of 7,000 of MNIST's at 0.095, of GunPoint's series at 0.055. Their samples are at 0.55, 0.65 and 0.44 from the nearest
# one of another class, and a tenth of that finds none of these pairs.
_LARGEST = 0.1
_OF_CLASSES = 0.1  # of the median distance to the nearest sample of another class
_FEWEST = 16  # values of a vector: fewer are equal by chance
_LOOKED_AT, _AMONG = 500, 5000  # samples, for that median
_BLOCK = 2**24  # distances that are computed together


def pairs(vectors: Vectors, parts: Indices, classes: Indices) -> list[tuple[int, int]]:
    """Returns each sample that is a near-duplicate of one in an earlier part, with the nearest of these.

    Args:
      vectors: in coarse form, `(count, values)`; see `coarse`.
      parts: of each sample, the number of its part: 0 is that to train on.
      classes: of each sample, the number of its class.
    """
    largest = limit(vectors, classes)
    if largest is None:
        return []
    found: list[tuple[int, int]] = []
    for part in np.unique(parts)[1:]:
        own, earlier = np.flatnonzero(parts == part), np.flatnonzero(parts < part)
        others = vectors[earlier].T
        each = max(1, _BLOCK // len(earlier))
        for first in range(0, len(own), each):
            some = own[first : first + each]
            likeness = vectors[some] @ others
            nearest = likeness.argmax(1)
            is_near = likeness[np.arange(len(some)), nearest] >= 1 - largest**2 / 2
            found += zip(some[is_near].tolist(), earlier[nearest[is_near]].tolist(), strict=True)
    return found


def limit(vectors: Vectors, classes: Indices) -> float | None:
    """Returns the largest distance of near-duplicates; None for too few values to say.

    Args:
      vectors: as in `pairs`.
      classes: as in `pairs`.
    """
    if vectors.shape[1] < _FEWEST or not len(vectors):
        return None
    return min(_LARGEST, _OF_CLASSES * _distance_of_classes(vectors, classes))


def count_pairs(parts: Indices) -> int:
    """Returns how many pairs of samples `pairs` compares."""
    counts = np.bincount(parts, minlength=3)
    return int(counts[1] * counts[0] + counts[2] * (counts[0] + counts[1]))


def _distance_of_classes(vectors: Vectors, classes: Indices) -> float:
    """Returns the median distance to the nearest sample of another class, over some of the samples."""
    chosen = np.random.default_rng(0).permutation(len(vectors))[:_AMONG]
    some = chosen[:_LOOKED_AT]
    likeness = vectors[some] @ vectors[chosen].T
    likeness[classes[some][:, np.newaxis] == classes[chosen]] = -1
    return float(np.median(np.sqrt(np.maximum(0, 2 - 2 * likeness.max(1)))))
