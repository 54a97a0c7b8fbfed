"""Splits samples in memory, which have no names, so that each class gives its share."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]

_NEAR = 0.75  # of its share: what a class gives by chance is kept if it is that near, or as near from above


class Split(NamedTuple):
    """The indices of the samples of a part and of the others, both in a random order.

    Attributes:
      held_out: of the part.
      kept: of the others.
      is_by_chance: whether it is the random choice.
    """

    held_out: Indices
    kept: Indices
    is_by_chance: bool


def split(labels: npt.NDArray[np.integer], share: float, seed: int) -> Split:
    """Returns a share of the samples, and the others.

    A random choice is kept where each class happens to give between three quarters and four thirds of its share, as
    in large data sets. Otherwise each class gives its share to within one sample: shares are rounded down, and the
    largest remainders up. A class keeps a sample, and gives one if that is at most twice its share. The part has a
    sample, however small the share.

    Args:
      labels: class numbers from 0, `(count,)`.
      share: above 0 and below 1.
      seed: of the order.
    """
    order = np.random.default_rng(seed).permutation(len(labels))
    count = max(1, round(len(labels) * share))
    ordered = labels[order]
    sizes = np.bincount(labels)
    is_by_chance = _is_near(np.bincount(ordered[:count], minlength=len(sizes)), sizes, share)
    if not is_by_chance:
        is_taken = places(ordered) < _quotas(ordered, sizes, share, count)[ordered]
        order = np.concatenate([order[is_taken], order[~is_taken]])
        count = int(is_taken.sum())
    return Split(order[:count], order[count:], is_by_chance)


def _is_near(taken: Indices, sizes: Indices, share: float) -> bool:
    exact = sizes * share
    return bool(np.all((_NEAR * exact <= taken) & (_NEAR * taken <= exact) & ((taken < sizes) | (sizes == 0))))


def places(ordered: npt.NDArray[np.integer]) -> Indices:
    """Returns how many samples of its class are before each sample."""
    by_class = np.argsort(ordered, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(ordered))])
    places = np.empty(len(ordered), np.int64)
    places[by_class] = np.arange(len(ordered)) - starts[ordered[by_class]]
    return places


def _quotas(ordered: npt.NDArray[np.integer], sizes: Indices, share: float, count: int) -> Indices:
    """Returns how many samples each class gives; of equal remainders that of the class that comes first is larger."""
    exact = sizes * share
    quotas = np.minimum(np.floor(exact).astype(np.int64), np.maximum(0, sizes - 1))
    firsts = np.full(len(sizes), len(ordered))
    firsts[ordered[::-1]] = np.arange(len(ordered))[::-1]
    by_remainder = np.lexsort((firsts, -(exact - np.floor(exact))))
    spare = by_remainder[(quotas < sizes - 1)[by_remainder]]
    quotas[spare[: max(0, count - int(quotas.sum()))]] += 1
    return np.where((quotas == 0) & (2 * exact >= 1) & (sizes > 1), 1, quotas)
