"""Deletion and insertion curves: how the output changes as the most important positions go, or come."""

from collections.abc import Iterable

import numpy as np
from scipy import ndimage

from trainer.insight.scores.order import ranks
from trainer.insight.scores.output import Output, checked, of_versions, pieces

_BLUR = 5


def deletion(
    output: Output,
    samples: np.ndarray,
    classes: Iterable[int],
    maps: np.ndarray,
    *,
    fill: float | np.ndarray = 0.0,
    steps: int = 16,
) -> np.ndarray:
    """Returns the output `(batch, steps + 1)` as positions are covered in equal steps, the most important ones first.

    The sooner the curve falls, the better. The first value is that of the sample, the last one that of `fill` alone.

    Args:
      output: of the model, as `Explainer.probabilities`.
      samples: raw values `(batch, *spatial, channels)`.
      classes: one per sample.
      maps: attributions, `(batch, *spatial)`.
      fill: the value of covered elements: one number, or one per channel.
      steps: their number.

    Raises:
      ValueError: the maps do not fit the samples.

    Source: Petsiuk et al., RISE: Randomized Input Sampling for Explanation of Black-box Models, 2018, section 4.2.
    """
    values, found = checked(samples, maps)
    nothing = np.broadcast_to(np.asarray(fill, np.float32), values.shape)
    return _curves(output, (values, nothing), classes, found, steps)


def insertion(
    output: Output,
    samples: np.ndarray,
    classes: Iterable[int],
    maps: np.ndarray,
    *,
    start: np.ndarray | None = None,
    steps: int = 16,
) -> np.ndarray:
    """Returns the output `(batch, steps + 1)` as positions come into a blurred sample, the most important ones first.

    The sooner the curve rises, the better.

    Args:
      output: of the model, as `Explainer.probabilities`.
      samples: raw values `(batch, *spatial, channels)`.
      classes: one per sample.
      maps: attributions, `(batch, *spatial)`.
      start: what the positions come into, of the samples' shape; by default the result of `blurred`. A uniform start
        has edges where the first positions come, which the network may take for a class.
      steps: their number.

    Raises:
      ValueError: the maps do not fit the samples.

    Source: Petsiuk et al., 2018, section 4.2.
    """
    values, found = checked(samples, maps)
    before = blurred(values) if start is None else np.broadcast_to(np.asarray(start, np.float32), values.shape)
    return _curves(output, (before, values), classes, found, steps)


def blurred(samples: np.ndarray) -> np.ndarray:
    """Returns samples blurred by a Gaussian whose standard deviation is a tenth of each axis."""
    widths = [size / _BLUR for size in samples.shape[1:-1]]
    return np.asarray(ndimage.gaussian_filter(samples, (0, *widths, 0), mode="nearest", truncate=2.5))


def area(curves: np.ndarray) -> np.ndarray:
    """Returns the area under each curve, whose horizontal axis is from 0 to 1; trapezoidal.

    Args:
      curves: `(…, steps + 1)`, at equal distances.
    """
    return np.asarray(np.trapezoid(curves, dx=1 / (curves.shape[-1] - 1), axis=-1))


def _curves(
    output: Output, ends: tuple[np.ndarray, np.ndarray], classes: Iterable[int], maps: np.ndarray, steps: int
) -> np.ndarray:
    """Returns the output as positions pass from the first of two ends to the second; both have the samples' shape."""
    before, after = ends
    labels, order = np.asarray(classes), ranks(maps)
    counts = np.rint(np.arange(steps + 1) / steps * maps[0].size).astype(np.int32)
    counts = counts.reshape(-1, *(1,) * (maps.ndim - 1))
    found = np.empty((len(maps), steps + 1), np.float32)
    for part in pieces(before, steps + 1):
        have_passed = (order[part, None] < counts)[..., None]
        changed = np.where(have_passed, after[part, None], before[part, None])
        found[part] = of_versions(output, changed, labels[part])
    return found
