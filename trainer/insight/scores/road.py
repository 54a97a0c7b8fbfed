"""ROAD: removes positions so that what is left does not show where they were, and looks at the output."""

import functools
import itertools
from collections.abc import Iterable, Sequence

import numpy as np
from scipy import sparse

from trainer.insight.scores.order import ranks
from trainer.insight.scores.output import Output, checked, of_versions, pieces

_MOST_ROUNDS = 1000
FRACTIONS = (0.1, 0.3, 0.5, 0.7)


def road(
    output: Output,
    samples: np.ndarray,
    classes: Iterable[int],
    maps: np.ndarray,
    fractions: Sequence[float] = FRACTIONS,
    *,
    least_first: bool = False,
    noise: float | np.ndarray = 0.0,
    tolerance: float = 1e-3,
) -> np.ndarray:
    """Returns the output `(batch, fractions)` after a fraction of the positions is removed, the most important first.

    Positions are replaced by `imputed`, which leaves no edges: with a uniform value, the shape of the removed area
    itself says something about the class.

    Args:
      output: of the model, as `Explainer.probabilities`, or whether the class is the predicted one.
      samples: raw values `(batch, *spatial, channels)`.
      classes: one per sample.
      maps: attributions, `(batch, *spatial)`.
      fractions: of the positions that are removed, from 0 to below 1.
      least_first: whether the least important ones are removed.
      noise: its standard deviation: one number, or one per channel.
      tolerance: of the imputed values, as a share of the samples' range.

    Raises:
      ValueError: the maps do not fit the samples, or a fraction is not from 0 to below 1.

    Source: Rong et al., A Consistent and Efficient Evaluation Strategy for Attribution Methods, 2022, section 4.2.
    """
    values, found = checked(samples, maps)
    if not all(0 <= fraction < 1 for fraction in fractions):
        raise ValueError(f"`fractions` must be from 0 to below 1. Received: {fractions!r}")
    labels, order = np.asarray(classes), ranks(-found if least_first else found)
    counts = np.array([int(fraction * found[0].size) for fraction in fractions])
    counts = counts.reshape(-1, *(1,) * (found.ndim - 1))
    outputs = np.empty((len(values), len(fractions)), np.float32)
    for part in pieces(values, len(fractions)):
        removed = order[part, None] < counts
        every = np.broadcast_to(values[part, None], (*removed.shape, values.shape[-1]))
        flat = imputed(
            every.reshape(-1, *values.shape[1:]), removed.reshape(-1, *found.shape[1:]), noise, tolerance=tolerance
        )
        outputs[part] = of_versions(output, flat.reshape(every.shape), labels[part])
    return outputs


def imputed(
    samples: np.ndarray, removed: np.ndarray, noise: float | np.ndarray = 0.0, *, tolerance: float = 1e-3, seed: int = 0
) -> np.ndarray:
    """Returns samples in which each removed position is the weighted mean of its neighbours, and noise.

    The weight of a neighbour is the inverse of its squared distance: 1 and 1/2 in an image. All positions of a sample
    are one sparse system of linear equations, which conjugate gradients solve.

    Args:
      samples: `(batch, *spatial, channels)`.
      removed: which positions are, `(batch, *spatial)`.
      noise: its standard deviation: one number, or one per channel.
      tolerance: the solver ends where every equation is met to this share of the samples' range.
      seed: of the noise.

    Source: Rong et al., 2022, equation 4.
    """
    count, channels = len(samples), samples.shape[-1]
    flat = np.asarray(samples, np.float32).reshape(count, -1, channels)
    values = flat.transpose(1, 0, 2).reshape(flat.shape[1], -1)  # (positions, batch x channels): a column is a system
    is_gone = removed.reshape(count, -1, 1).repeat(channels, 2).transpose(1, 0, 2).reshape(values.shape)
    limit = tolerance * float(np.ptp(values)) if values.size else 0.0
    solved = _solved(_neighbours(removed.shape[1:]), values, is_gone, limit)
    filled = solved.reshape(-1, count, channels).transpose(1, 0, 2)
    if np.any(noise):
        random = np.random.default_rng(seed).standard_normal(filled.shape, np.float32)
        filled = filled + np.asarray(noise, np.float32) * random * removed.reshape(count, -1, 1)
    return np.asarray(filled.reshape(samples.shape))


def _solved(weights: sparse.csr_array, values: np.ndarray, is_gone: np.ndarray, limit: float) -> np.ndarray:
    """Returns the values with those that are gone solved for, a column at a time, by conjugate gradients."""
    gone = is_gone.astype(np.float32)
    known = values * (1 - gone)
    degrees = np.asarray(weights.sum(axis=1), np.float32)[:, None]
    filled = known + gone * (known.sum(0) / np.maximum((1 - gone).sum(0), 1))
    residual = gone * (weights @ filled - degrees * filled)
    direction, power = residual, (residual**2).sum(0)
    for _ in range(_MOST_ROUNDS):
        if np.abs(residual).max(initial=0.0) <= limit:
            break
        image = gone * (degrees * direction - weights @ direction)
        step = power / np.maximum((direction * image).sum(0), np.finfo(np.float32).tiny)
        filled = filled + step * direction
        residual = residual - step * image
        former, power = power, (residual**2).sum(0)
        direction = residual + power / np.maximum(former, np.finfo(np.float32).tiny) * direction
    return np.asarray(filled)


@functools.lru_cache(8)
def _neighbours(sizes: tuple[int, ...]) -> sparse.csr_array:
    """Returns the weight of each neighbour of each position, `(positions, positions)`; those of one within are 1."""
    positions = np.arange(np.prod(sizes)).reshape(sizes)
    offsets = [one for one in itertools.product((-1, 0, 1), repeat=len(sizes)) if any(one)]
    shares = np.array([1 / sum(map(abs, one)) for one in offsets], np.float32)
    rows, columns, weights = [], [], []
    for offset, share in zip(offsets, shares / shares.sum(), strict=True):
        there = tuple(slice(max(0, step), size + min(0, step)) for step, size in zip(offset, sizes, strict=True))
        here = tuple(slice(max(0, -step), size + min(0, -step)) for step, size in zip(offset, sizes, strict=True))
        rows.append(positions[here].ravel())
        columns.append(positions[there].ravel())
        weights.append(np.full(rows[-1].size, share, np.float32))
    indices = np.concatenate(rows), np.concatenate(columns)
    return sparse.csr_array((np.concatenate(weights), indices), (positions.size, positions.size))
