"""A volume as three orthogonal slices, with its axes in millimeters."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np

from trainer.tensorboard.draw.sheets import Array

_ACROSS_AND_UP = ((1, 2), (0, 2), (0, 1))  # the axes of each slice
_INK = "white"


def slices(
    volume: Array,
    at: Sequence[int],
    *,
    overlay: Array | None = None,
    spacing: Sequence[float] = (1.0, 1.0, 1.0),
    origin: Sequence[float] = (0.0, 0.0, 0.0),
    names: Sequence[str] = ("right", "front", "up"),
    width: float = 11.0,
) -> None:
    """Draws the slices of a volume through one position; lines show where they intersect.

    Args:
      volume: `(x, y, z)`, drawn from black, zero, to white, its largest value.
      at: the position, three indices.
      overlay: colors with opacity over it, `(x, y, z, 4)`, from 0 to 1.
      spacing: the distance between neighboring voxels along each axis, in millimeters.
      origin: the position of the first voxel, in millimeters.
      names: the directions that the axes point to; by default those of a NIfTI file in RAS+ order.
      width: inches of all three.
    """
    lengths = np.array(volume.shape) * spacing
    ratios = [lengths[across] / lengths[up] for across, up in _ACROSS_AND_UP]
    height = width / sum(ratios) + 0.7
    figure, axes = plt.subplots(1, 3, figsize=(width, height), width_ratios=ratios, layout="constrained")
    figure.set_facecolor("black")
    for index, (axis, (across, up)) in enumerate(zip(axes, _ACROSS_AND_UP, strict=True)):
        aspect = spacing[up] / spacing[across]
        picture = np.moveaxis(volume.take(at[index], index), 0, 1)
        axis.imshow(picture, cmap="gray", origin="lower", vmin=0, vmax=volume.max(), aspect=aspect)
        if overlay is not None:
            axis.imshow(np.moveaxis(overlay.take(at[index], index), 0, 1), origin="lower", aspect=aspect)
        axis.axvline(at[across], color=_INK, lw=0.6, alpha=0.6)
        axis.axhline(at[up], color=_INK, lw=0.6, alpha=0.6)
        axis.set_title(f"{names[index]} {origin[index] + spacing[index] * at[index]:.0f} mm", color=_INK)
        axis.set_xlabel(f"{names[across]} →", color=_INK)
        axis.set_ylabel(f"{names[up]} →", color=_INK)
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
