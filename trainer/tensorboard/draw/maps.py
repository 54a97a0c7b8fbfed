"""Feature maps as a picture."""

from collections.abc import Mapping

import numpy as np

from trainer.tensorboard.draw import curves, sample, sheets
from trainer.tensorboard.draw.scale import IMAGES, Scale
from trainer.tensorboard.draw.sheets import Array, Picture
from trainer.tensorboard.draw.slices import Place, middle, most_active

_FEW = 4  # layers, of more fewer maps are drawn
# By rank: of how many maps; lines and slices take more room than pixels.
_MOST_MAPS = {1: 16, 2: 64, 3: 20}
_MOST_MAPS_EACH = {1: 8, 2: 20, 3: 10}
_SIDE = {2: 28, 3: 60}  # pixels
_STRIP = 17  # pixels of a line's height


def feature_maps(
    seen: Array, layers: Mapping[str, Array], dead: Mapping[str, Array], title: str, scale: Scale = IMAGES
) -> Picture:
    """Returns a sample and, below it, the output of each convolution; at most as wide as TensorBoard's default.

    Maps of one layer share their scale: from black, 0, to yellow, the highest value; if there are negative ones,
    from blue through white, 0, to red. Maps of a signal are lines over the signal's axis, from the one value to the
    other. Slices of a volume, and of its maps, go through the position where the layers together are most active. Dead
    filters are crossed out; the line of one is red.

    Args:
      seen: the sample, `(*spatial, channels)`.
      layers: each layer's output for it, `(*spatial, filters)`.
      dead: which filters of each layer are dead, `(filters,)`.
      title: above it all.
      scale: of the samples.
    """
    outputs = {name: _finite(output) for name, output in layers.items()}
    at = _place(seen.shape[:-1], outputs)
    whole = sample.picture(seen, sample.ABOVE[seen.ndim - 1], scale, at=at)
    parts = [sheets.titled(sheets.grid([whole], [""]), "input")]
    most = _MOST_MAPS if len(layers) <= _FEW else _MOST_MAPS_EACH
    for name, maps in outputs.items():
        limits = sheets.about_zero(maps)
        drawn = np.moveaxis(maps[..., : most[maps.ndim - 1]], -1, 0)
        more = f" of {maps.shape[-1]}" if maps.shape[-1] > len(drawn) else ""
        sheet = _sheet(drawn, limits, dead[name], _within(at, seen.shape[:-1], maps.shape[:-1]))
        said = f"; bottom to top is {limits[0]:.3g} to {limits[1]:.3g}" if maps.ndim == 2 else ""
        legend = [] if maps.ndim == 2 else [sheets.legend(limits, sheets.scale_for(limits), "output")]
        name_and_size = f"{name}: {len(drawn)}{more} maps{said}"
        parts.append(sheets.titled(sheets.below([_dead(dead[name]), *legend, sheet]), name_and_size))
    return sheets.titled(sheets.below(parts), title)


def _sheet(maps: Array, limits: tuple[float, float], dead: Array, at: Place | None) -> Picture:
    rank, numbers = maps.ndim - 1, [str(index) for index in range(len(maps))]
    if rank == 1:
        inks = [sheets.MARK if is_dead else curves.COLOURS[0] for is_dead in dead[: len(maps)]]
        lines = [
            curves.strip(line, sample.ABOVE[1], _STRIP, limits, label=number, ink=ink)
            for line, number, ink in zip(maps, numbers, inks, strict=True)
        ]
        return sheets.grid([sheets.below(lines)], [""])
    pictures = [sample.values(each, _SIDE[rank], limits, sheets.scale_for(limits), at=at) for each in maps]
    columns = sheets.columns(pictures[0].shape[1])
    return sheets.grid(pictures, numbers, marked=dead[: len(maps)], columns=min(columns, len(pictures)))


def _dead(dead: Array) -> Picture:
    """Returns how many filters are dead, and what the red marks mean; a line in any case, so that sizes agree."""
    count = int(np.sum(dead))
    said = f"{count} dead, in red: one output everywhere, in all samples" if count else "no dead filters"
    line = sheets.line_of(said, sheets.MARK if count else sheets.FAINT)
    return np.pad(line, ((0, 0), (sheets.GAP, 0), (0, 0)), constant_values=255)


def _finite(output: Array) -> Array:
    values = np.asarray(output, np.float32)
    return values if np.isfinite(values).all() else np.nan_to_num(values)


def _place(sizes: tuple[int, ...], outputs: Mapping[str, Array]) -> Place | None:
    """Returns the position in a volume of these sizes with the highest activity of its maps, `(*spatial, filters)`."""
    total = np.zeros(sizes, np.float32)
    for maps in outputs.values():
        if maps.ndim - 1 == len(sizes) == 3:
            energy = np.einsum("...f,...f->...", maps, maps)
            nearest = [
                ((np.arange(size) + 0.5) * n / size).astype(int) for size, n in zip(sizes, energy.shape, strict=True)
            ]
            total += (energy / (float(energy.max()) or 1.0))[np.ix_(*nearest)]
    return most_active(total) if len(sizes) == 3 else None


def _within(at: Place | None, sizes: tuple[int, ...], smaller: tuple[int, ...]) -> Place:
    """Returns a position of a sample in a map of it; where there is none, or the map has another rank, the middle."""
    if at is None or len(sizes) != len(smaller):
        return middle(smaller)
    return tuple(int((one + 0.5) * n / size) for one, n, size in zip(at, smaller, sizes, strict=True))
