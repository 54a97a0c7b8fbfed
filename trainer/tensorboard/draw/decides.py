"""Attributions as a picture."""

from collections.abc import Mapping

import numpy as np

from trainer.tensorboard.draw import sample, sheets
from trainer.tensorboard.draw.scale import IMAGES, Scale
from trainer.tensorboard.draw.sheets import Array, Picture
from trainer.tensorboard.draw.slices import most_active


def what_decides(seen: Array, maps: Mapping[str, Array], title: str, scale: Scale = IMAGES) -> Picture:
    """Returns a sample and each map over it, as wide as TensorBoard shows it by default.

    Signals are below each other, over one axis; others are two in a row. The slices of a volume go through the position
    where the maps together are greatest, for the class or against it.

    Args:
      seen: the sample, `(*spatial, channels)`.
      maps: by name, `(*spatial)`. One without negative values is drawn as heat; one with them from blue, against the
        class, to red, for it; each by its own largest value.
      title: above it all.
      scale: of the samples.
    """
    columns = sample.EXPLAINED_IN_ROW[seen.ndim - 1]
    return sheets.titled(sheets.grid(tiles(seen, maps, scale), ["input", *maps], columns=columns), title)


def tiles(seen: Array, maps: Mapping[str, Array], scale: Scale = IMAGES) -> list[Picture]:
    """Returns a sample and each map over it, as pictures of one size; arguments as for `what_decides`."""
    rank = seen.ndim - 1
    side = sample.EXPLAINED[rank]
    maps = {name: np.nan_to_num(values) for name, values in maps.items()}
    limits = {name: float(np.abs(values).max()) or 1.0 for name, values in maps.items()}
    shares = [np.abs(values) / limits[name] for name, values in maps.items()]
    at = most_active(np.sum(shares, axis=0)) if rank == 3 and maps else None
    drawn = [sample.picture(seen, side, scale, at=at)]
    for name, values in maps.items():
        limit = limits[name]
        share = np.abs(values / limit)[..., None]
        if values.min() < 0:
            colours = sheets.coloured(values / (2 * limit) + 0.5, sheets.DIVERGING)
        else:
            colours = sheets.coloured(values / limit, sample.heat(rank))
        drawn.append(sample.tinted(seen, colours, np.clip(share * 1.5, 0.15, 0.9), side, scale, at=at))
    return drawn
