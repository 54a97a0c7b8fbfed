"""Attributions as a picture."""

from collections.abc import Mapping

import numpy as np

from trainer.tensorboard.draw import sample, sheets
from trainer.tensorboard.draw.sheets import Array, Picture

_SIDE = 140  # pixels; two in a row are as wide as TensorBoard shows pictures by default


def what_decides(seen: Array, maps: Mapping[str, Array], title: str) -> Picture:
    """Returns a sample, and each map over it, two in a row: as wide as TensorBoard shows it by default.

    Args:
      seen: the sample, `(*spatial, channels)`, 0 to 255.
      maps: by name, `(*spatial)`. One without negative values is drawn as heat; one with them from blue, against the
        class, to red, for it; each by its own largest value.
      title: above it all.
    """
    tiles = [sample.picture(seen, _SIDE)]
    for values in maps.values():
        limit = float(np.abs(values).max()) or 1.0
        share = np.abs(values / limit)[..., None]
        if values.min() < 0:
            colours = sheets.coloured(values / (2 * limit) + 0.5, sheets.DIVERGING)
        else:
            colours = sheets.coloured(values / limit, sheets.SEQUENTIAL)
        tiles.append(sample.tinted(seen, colours, np.clip(share * 1.5, 0.15, 0.9), _SIDE))
    return sheets.titled(sheets.grid(tiles, ["input", *maps], columns=2), title)
