"""Attribution maps by the name of their method, with what each method needs chosen by the samples' size."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from trainer.data.form import Form
from trainer.insight.attribution import Explainer

# By name, as a card and TensorBoard's tags have it, for a person.
NAMES = {
    "grad_cam": "Grad-CAM",
    "hires_cam": "HiResCAM",
    "integrated_gradients": "integrated gradients",
    "occlusion": "occlusion",
}
STEPS, MOST_STEPS = 16, 512  # of integrated gradients

_BOXES = {1: (32, 24, 16), 2: (5, 4, 3), 3: (5, 4, 3)}  # by rank, along each axis: the largest box
# By rank, along each axis: about as many as can be distinguished in the picture.
_CELLS, _MOST_CELLS = {1: 80, 2: 40, 3: 20}, {1: 128, 2: 64, 3: 32}


class Explained(NamedTuple):
    """Attributions by one method.

    Attributes:
      maps: one number for each position, `(batch, *spatial)`.
      attributions: of each element, `(batch, *spatial, channels)`; None unless by integrated gradients.
      residuals: by how much these miss the difference of logits, `(batch,)`; None likewise.
    """

    maps: np.ndarray
    attributions: np.ndarray | None = None
    residuals: np.ndarray | None = None


def methods(explainer: Explainer) -> list[str]:
    """Returns the names of the methods that a model supports."""
    return [name for name in NAMES if explainer.layer or not name.endswith("_cam")]


def explain(
    explainer: Explainer,
    method: str,
    samples: np.ndarray,
    classes: Iterable[int],
    blank: float | np.ndarray = 0.0,
    *,
    passes: int = 2 * MOST_STEPS,
) -> Explained:
    """Returns the attributions of samples by one method.

    Args:
      explainer: of the network.
      method: one of `NAMES`.
      samples: raw values `(batch, *spatial, channels)`.
      classes: one per sample.
      blank: the value of every element of a sample without information: one number, or one per channel.
      passes: at most so many gradients of each sample, or half as many boxes.

    Raises:
      ValueError: samples or classes do not fit the model, or the model has no convolution for a class activation map.
    """
    if method == "grad_cam":
        return Explained(explainer.grad_cam(samples, classes))
    if method == "hires_cam":
        return Explained(explainer.hires_cam(samples, classes))
    if method == "occlusion":
        size = box(np.shape(samples)[1:-1], 2 * passes)
        return Explained(explainer.occlusion(samples, classes, size=size, stride=size, fill=blank))
    if method == "integrated_gradients":
        found, residuals = explainer.integrated_gradients(
            samples, classes, blank, steps=min(STEPS, passes), most_steps=min(MOST_STEPS, passes)
        )
        return Explained(in_cells(found.sum(-1)), found, residuals)
    raise ValueError(f"`method` must be one of {', '.join(NAMES)}. Received: method={method!r}")


def blank(form: Form) -> np.ndarray:
    """Returns the neutral value of each channel: black, silence, or its mean if it has no bounds."""
    return np.array(form.centre or [min(max(0.0, form.low), form.high)] * form.channels, np.float32)


def box(sizes: Sequence[int], most: int) -> tuple[int, ...]:
    """Returns a box size with which about `most` boxes or fewer cover a sample; square for an image."""
    rank = len(sizes)
    each = next((each for each in _BOXES[rank] if each**rank <= most), _BOXES[rank][-1])
    whole = (min(sizes),) * rank if rank == 2 else sizes
    return tuple(max(min(2, size), round(size / each)) for size in whole)


def in_cells(attributions: np.ndarray) -> np.ndarray:
    """Returns attributions `(batch, *spatial)` summed in cells if an axis is much longer than the number of cells.

    Attributions of neighbouring positions vary in sign, and single ones are too small to be seen.
    """
    rank = attributions.ndim - 1
    for axis, length in enumerate(attributions.shape[1:], 1):
        if length > _MOST_CELLS[rank]:
            cell = -(-length // _CELLS[rank])
            sums = np.add.reduceat(attributions, range(0, length, cell), axis)
            attributions = sums.repeat(cell, axis).take(range(length), axis)
    return attributions
