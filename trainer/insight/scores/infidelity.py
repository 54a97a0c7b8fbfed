"""Infidelity: whether attributions add up to what a covered box takes from the output."""

import itertools
from collections.abc import Iterable, Sequence

import numpy as np

from trainer.insight.scores.output import Output, of_versions, pieces

Box = tuple[slice, ...]  # one slice for each spatial axis


def infidelity(falls: np.ndarray, sums: np.ndarray, *, is_scaled: bool = False) -> np.ndarray:
    """Returns each sample's mean squared difference between falls of the output and sums of attributions, `(batch,)`.

    Args:
      falls: by how much the output falls when a box is covered, `(batch, boxes)`, from `falls_of`.
      sums: the attributions in the same boxes, `(batch, boxes)`, from `sums_of`.
      is_scaled: whether the sums are first multiplied by the number that fits best, and the result is a share of the
        falls' mean square: from 0, which is perfect, to 1, which says nothing. Maps without a unit, as Grad-CAM's, can
        only be compared so.

    Source: Yeh et al., On the (In)fidelity and Sensitivity of Explanations, 2019, definition 2.1 and section 2.3.
    """
    if not is_scaled:
        return np.asarray(np.square(sums - falls).mean(axis=1))
    power, common = np.square(sums).sum(axis=1), (sums * falls).sum(axis=1)
    scale = np.maximum(0, np.divide(common, power, out=np.zeros_like(common), where=power > 0))
    whole = np.square(falls).sum(axis=1)
    left = np.square(scale[:, None] * sums - falls).sum(axis=1)
    return np.asarray(np.divide(left, whole, out=np.ones_like(left), where=whole > 0))


def falls_of(
    output: Output,
    samples: np.ndarray,
    classes: Iterable[int],
    boxes: Sequence[Box],
    fill: float | np.ndarray = 0.0,
) -> np.ndarray:
    """Returns by how much the output falls when each box is covered, `(batch, boxes)`.

    Args:
      output: of the model, as `Explainer.logits`.
      samples: raw values `(batch, *spatial, channels)`.
      classes: one per sample.
      boxes: at least one.
      fill: the value of covered elements: one number, or one per channel.
    """
    values, labels = np.asarray(samples, np.float32), np.asarray(classes)
    found = np.empty((len(values), len(boxes)))
    for part in pieces(values, len(boxes) + 1):
        changed = values[part, None].repeat(len(boxes) + 1, 1)
        for index, box in enumerate(boxes):
            changed[:, index][(slice(None), *box)] = fill
        outputs = of_versions(output, changed, labels[part])
        found[part] = outputs[:, -1:] - outputs[:, :-1]
    return found


def sums_of(maps: np.ndarray, boxes: Sequence[Box]) -> np.ndarray:
    """Returns the sum of attributions, `(batch, *spatial)`, in each box, `(batch, boxes)`."""
    axes = tuple(range(1, maps.ndim))
    return np.stack([maps[(slice(None), *box)].sum(axes, np.float64) for box in boxes], 1)


def random_boxes(sizes: Sequence[int], count: int, seed: int = 0) -> list[Box]:
    """Returns boxes of random sizes, a tenth to a half of each axis, at random positions."""
    random = np.random.default_rng(seed)
    boxes = []
    for _ in range(count):
        lengths = [max(1, round(random.uniform(0.1, 0.5) * size)) for size in sizes]
        starts = [int(random.integers(0, size - length + 1)) for size, length in zip(sizes, lengths, strict=True)]
        boxes.append(tuple(slice(start, start + length) for start, length in zip(starts, lengths, strict=True)))
    return boxes


def grid(sizes: Sequence[int], size: int) -> list[Box]:
    """Returns boxes of `size` positions along each axis, beside each other; the last ones may be smaller."""
    spans = [[slice(start, min(start + size, length)) for start in range(0, length, size)] for length in sizes]
    return [*itertools.product(*spans)]
