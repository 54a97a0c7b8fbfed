"""Concepts: a few directions in a layer's feature maps, of which the map of each sample is a sum."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from trainer.insight.resize import resize

_MOST_POSITIONS = 2000  # from which directions are found; every k-th of more
_TINY = 1e-9


@dataclass(frozen=True)
class Concepts:
    """The factors of feature maps, the strongest first.

    Attributes:
      maps: how much of each concept is at each position, from 0 to 1, `(count, *spatial, concepts)`.
      directions: how much of each filter is in a concept, of length 1, `(concepts, filters)`.
      explained: the share of the maps' squares that the concepts reproduce, from 0 to 1.
    """

    maps: np.ndarray
    directions: np.ndarray
    explained: float

    def over(self, sizes: tuple[int, ...]) -> np.ndarray:
        """Returns the maps at another size, such as that of the samples, `(count, *sizes, concepts)`."""
        each = np.moveaxis(self.maps, -1, 0)
        return np.stack([resize(tf.constant(one), sizes).numpy() for one in each], -1)


def concepts(maps: np.ndarray, count: int = 4, steps: int = 100, seed: int = 0) -> Concepts:
    """Returns the concepts of feature maps by non-negative matrix factorisation with multiplicative updates.

    A value at a position is the sum over the concepts of how much of each is there, times its direction. Negative
    values of maps count as 0.

    Args:
      maps: of several samples, `(count, *spatial, filters)`.
      count: of concepts; at most the number of filters.
      steps: updates of both factors.
      seed: of the random start.

    Raises:
      ValueError: `count` is not from 1 to the number of filters.

    Source: Lee and Seung, Algorithms for Non-negative Matrix Factorization, 2001; Collins et al., Deep Feature
    Factorization, 2018.
    """
    if not 1 <= count <= maps.shape[-1]:
        raise ValueError(f"`count` must be from 1 to {maps.shape[-1]}. Received: count={count!r}")
    flat = np.nan_to_num(np.maximum(maps, 0)).reshape(-1, maps.shape[-1]).astype(np.float32)
    some = flat[:: -(-len(flat) // _MOST_POSITIONS)]
    random = np.random.default_rng(seed)
    directions = random.uniform(0.1, 1, (count, flat.shape[1])).astype(np.float32)
    amounts = random.uniform(0.1, 1, (len(some), count)).astype(np.float32)
    for _ in range(steps):
        amounts *= (some @ directions.T) / (amounts @ (directions @ directions.T) + _TINY)
        directions *= (amounts.T @ some) / ((amounts.T @ amounts) @ directions + _TINY)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True) + _TINY
    aligned, between = flat @ directions.T, directions @ directions.T
    amounts = np.maximum(aligned, _TINY)
    for _ in range(steps):
        amounts *= aligned / (amounts @ between + _TINY)
    order = np.argsort(-np.square(amounts).sum(0), kind="stable")
    amounts, directions = amounts[:, order], directions[order]
    missed = np.square(flat - amounts @ directions).sum() / (np.square(flat).sum() or 1.0)
    scaled = amounts / (amounts.max(0) + _TINY)
    return Concepts(scaled.reshape(*maps.shape[:-1], count), directions, float(1 - missed))
