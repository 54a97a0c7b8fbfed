"""Feature maps as a picture."""

from collections.abc import Mapping

import numpy as np

from trainer.tensorboard.draw import sample, sheets
from trainer.tensorboard.draw.sheets import Array, Picture

_MOST_MAPS = 64
_FEW = 4  # layers, of more fewer maps are drawn
_MOST_MAPS_EACH = 20
_SHOWN = 348  # pixels of a picture's width that TensorBoard shows by default, about


def feature_maps(seen: Array, layers: Mapping[str, Array], dead: Mapping[str, Array], title: str) -> Picture:
    """Returns a sample, and below it what each convolution makes of it; no wider than TensorBoard shows by default.

    Maps of one layer share their scale: black is the layer's lowest value, or 0 where that is higher, and yellow its
    highest. Dead filters are crossed out.

    Args:
      seen: the sample, `(*spatial, channels)`, 0 to 255.
      layers: each layer's output for it, `(*spatial, filters)`.
      dead: each layer's filters that are so, `(filters,)`.
      title: above it all.
    """
    parts = [sheets.titled(sheets.grid([sample.picture(seen, 112)], [""]), "input")]
    most = _MOST_MAPS if len(layers) <= _FEW else _MOST_MAPS_EACH
    for name, output in layers.items():
        maps = np.moveaxis(np.nan_to_num(output.astype(np.float32)), -1, 0)
        low, high = min(0.0, float(maps.min())), float(maps.max())
        drawn = sheets.coloured(sample.planes((maps[:most] - low) / ((high - low) or 1.0)), sheets.SEQUENTIAL)
        more = f" of {len(maps)}" if len(maps) > len(drawn) else ""
        pictures = [sheets.enlarged(picture, 28) for picture in drawn]
        numbers = [str(index) for index in range(len(drawn))]
        columns = max(1, (_SHOWN - sheets.GAP) // (pictures[0].shape[1] + sheets.GAP + 2))
        sheet = sheets.grid(pictures, numbers, marked=dead[name][: len(drawn)], columns=min(columns, len(pictures)))
        parts.append(sheets.titled(sheet, f"{name}: {len(drawn)}{more} maps, {low:.3g} to {high:.3g}"))
    return sheets.titled(sheets.below(parts), title)
