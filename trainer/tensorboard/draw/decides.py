"""Attributions as a picture."""

from collections.abc import Collection, Mapping

import numpy as np
from scipy.ndimage import gaussian_filter

from trainer.tensorboard.draw import sample, sheets
from trainer.tensorboard.draw.scale import IMAGES, Scale
from trainer.tensorboard.draw.sheets import Array, Picture
from trainer.tensorboard.draw.slices import most_active

UNSIGNED = ("Grad-CAM", "HiResCAM", "Layer-CAM")  # methods that give evidence for the class alone
_PERCENTILE = 99  # of a map's values, of either sign, are below the end of its colours
_SMOOTHED, _SHARE = 40, 50  # positions of an axis, above which a map is smoothed over a 50th of the axis


def what_decides(
    seen: Array, maps: Mapping[str, Array], title: str, scale: Scale = IMAGES, unsigned: Collection[str] = UNSIGNED
) -> Picture:
    """Returns a sample and each map over it, as wide as TensorBoard shows it by default.

    Signals are below each other, over one axis; others are two in a row. The slices of a volume go through the position
    where the maps together are greatest, for the class or against it.

    Args:
      seen: the sample, `(*spatial, channels)`.
      maps: by name, `(*spatial)`. Evidence for the class is drawn from blue, against it, through white to red, for it,
        whatever the signs of a map's values; each up to the 99th percentile of its values. A map of an image or a
        volume of more than 40 positions is smoothed over a 50th of each axis. One that is 0 everywhere says so.
      title: above it all.
      scale: of the samples.
      unsigned: the maps without negative values, which are drawn as heat.
    """
    rank = seen.ndim - 1
    names = [name if np.nan_to_num(values).any() else f"{name}: 0 everywhere" for name, values in maps.items()]
    grid = sheets.grid(tiles(seen, maps, scale, unsigned), ["input", *names], columns=sample.EXPLAINED_IN_ROW[rank])
    legends = [sheets.scale_of("against", sheets.DIVERGING, "for the class")] if set(maps) - {*unsigned} else []
    legends += [sheets.scale_of("none", sample.heat(rank), "much")] if set(maps) & {*unsigned} else []
    ends = f"; colors end at each map's {_PERCENTILE}th percentile" if maps else ""
    return sheets.titled(sheets.below([*legends, grid]), title + ends)


def tiles(
    seen: Array, maps: Mapping[str, Array], scale: Scale = IMAGES, unsigned: Collection[str] = UNSIGNED
) -> list[Picture]:
    """Returns a sample and each map over it, as pictures of one size; arguments as for `what_decides`."""
    rank = seen.ndim - 1
    side = sample.EXPLAINED[rank]
    scaled = {name: _scaled(np.nan_to_num(values)) for name, values in maps.items()}
    at = most_active(np.sum([np.abs(one) for one in scaled.values()], axis=0)) if rank == 3 and maps else None
    drawn = [sample.picture(seen, side, scale, at=at)]
    for name, values in scaled.items():
        if name in unsigned:
            colours = sheets.coloured(values, sample.heat(rank))
        else:
            colours = sheets.coloured(values / 2 + 0.5, sheets.DIVERGING)
        opacity = np.clip(1.5 * np.abs(values)[..., None], 0.15, 0.9)
        drawn.append(sample.tinted(seen, colours, opacity, side, scale, at=at))
    return drawn


def _scaled(values: Array) -> Array:
    """Returns values from -1 to 1, smoothed where there are so many that single ones cannot be seen."""
    if values.ndim > 1:
        values = gaussian_filter(
            values, [size / _SHARE if size > _SMOOTHED else 0 for size in values.shape], mode="constant"
        )
    strength = np.abs(values)
    limit = float(np.percentile(strength, _PERCENTILE)) or float(strength.max()) or 1.0
    return np.asarray(np.clip(values / limit, -1, 1))
