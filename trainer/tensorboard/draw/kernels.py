"""Kernels, feature maps and results as pictures: arrays in, uint8 `(height, width, 3)` out, nothing written."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw

from trainer.tensorboard.draw import sheets
from trainer.tensorboard.draw.sheets import Array, Picture

_SIDE = 27  # pixels that the longer side of a kernel is enlarged to
_MOST_FILTERS = 256
_MOST_MAPS = 64
_SHOWN = 348  # pixels of a picture's width that TensorBoard shows unasked, more or less
_STRONGEST = {1: 16, 2: 4, 3: 2}  # input channels drawn of a deeper layer's kernel, by its rank


def filters(kernel: Array, layer: str, is_first: bool = False) -> Picture:
    """Returns every filter of a convolution, each under its number, in the order of the kernel.

    Zero is the middle of the colours, and the largest weight, of either sign, their end; all filters share this scale.
    Of a first layer the input channels are drawn as what they are: three as colours, one as grey. Of any other each
    filter shows the input channels that it weighs most, the strongest first, with their numbers below.

    Args:
      kernel: `(*spatial, channels, filters)`, of one to three spatial axes. Where it is one, the channels are rows of
        one picture; of three, the slices of the first lie side by side.
      layer: its name.
      is_first: whether its channels are the input's.
    """
    rank, (channels, count) = kernel.ndim - 2, kernel.shape[-2:]
    kernel = np.nan_to_num(kernel.astype(np.float32))
    limit = float(np.abs(kernel).max()) or 1.0
    is_input = is_first and channels in (1, 3)
    scaled = np.moveaxis(kernel[..., :_MOST_FILTERS], -1, 0) / (2 * limit) + 0.5
    if rank == 2 and is_input and channels == 3:
        drawn = _enlarged_kernels(np.rint(scaled * 255).astype(np.uint8), kernel.shape[:2])
    else:
        drawn = _by_channel(scaled, sheets.GREYS if is_input else sheets.DIVERGING)
    size, few = "x".join(map(str, kernel.shape[:rank])), f"the first {_MOST_FILTERS} of "
    return sheets.titled(
        sheets.grid(drawn, [str(index) for index in range(len(drawn))]),
        f"{layer}: {few if count > _MOST_FILTERS else ''}{count} filters, {size} of {channels} "
        f"channel{'s' if channels > 1 else ''}; {'black to white' if is_input else 'blue to red'} is {_range(limit)}",
    )


def feature_maps(image: Array, layers: Mapping[str, Array], dead: Mapping[str, Array], title: str) -> Picture:
    """Returns an image, and below it what each convolution makes of it; no wider than TensorBoard shows it unasked.

    Maps of one layer share their scale: black is the layer's lowest value, or 0 where that is higher, and yellow its
    highest. Dead filters are crossed out.

    Args:
      image: `(height, width, channels)`, 0 to 255.
      layers: each layer's output for it, `(*spatial, filters)`.
      dead: each layer's filters that are so, `(filters,)`.
      title: above it all.
    """
    parts = [sheets.titled(sheets.grid([sheets.enlarged(as_colours(image), 112)], [""]), "input")]
    for name, output in layers.items():
        maps = np.moveaxis(np.nan_to_num(output.astype(np.float32)), -1, 0)
        low, high = min(0.0, float(maps.min())), float(maps.max())
        drawn = sheets.coloured(_planes((maps[:_MOST_MAPS] - low) / ((high - low) or 1.0)), sheets.SEQUENTIAL)
        more = f" of {len(maps)}" if len(maps) > len(drawn) else ""
        pictures = [sheets.enlarged(picture, 28) for picture in drawn]
        numbers = [str(index) for index in range(len(drawn))]
        columns = max(1, (_SHOWN - sheets.GAP) // (pictures[0].shape[1] + sheets.GAP + 2))
        sheet = sheets.grid(pictures, numbers, marked=dead[name][: len(drawn)], columns=min(columns, len(pictures)))
        parts.append(sheets.titled(sheet, f"{name}: {len(drawn)}{more} maps, {low:.3g} to {high:.3g}"))
    return sheets.titled(sheets.below(parts), title)


def what_decides(image: Array, maps: Mapping[str, Array], title: str) -> Picture:
    """Returns an image, and each map laid over it, two in a row: as wide as TensorBoard shows them unasked.

    Args:
      image: `(height, width, channels)`, 0 to 255.
      maps: by name, `(height, width)`. One without negative values is drawn as heat; one with them from blue, against
        the class, to red, for it; each by its own largest value.
      title: above it all.
    """
    side = 140
    tiles = [sheets.enlarged(as_colours(image), side)]
    faint = np.repeat(image.astype(np.float32).mean(-1, keepdims=True), 3, -1)
    for values in maps.values():
        limit = float(np.abs(values).max()) or 1.0
        share = np.abs(values / limit)[..., None]
        if values.min() < 0:
            colours = sheets.coloured(values / (2 * limit) + 0.5, sheets.DIVERGING)
        else:
            colours = sheets.coloured(values / limit, sheets.SEQUENTIAL)
        opacity = np.clip(share * 1.5, 0.15, 0.9)
        mixed = (1 - opacity) * (0.5 * faint + 64) + opacity * colours
        tiles.append(sheets.enlarged(mixed.astype(np.uint8), side))
    return sheets.titled(sheets.grid(tiles, ["input", *maps], columns=2), title)


def confusion_matrix(counts: Array, classes: Sequence[str]) -> Picture:
    """Returns which class was taken for which: a row for each true class, shaded by the row's shares.

    Args:
      counts: `(true, predicted)`.
      classes: their names.
    """
    count, cell, numbers = len(classes), 34 if len(classes) <= 30 else max(4, 800 // len(classes)), len(classes) <= 30
    margin = (max(sheets.width_of(name) for name in classes) + 2 * sheets.GAP) if numbers else sheets.GAP
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    canvas = Image.new("RGB", (margin + count * cell + sheets.GAP, margin + count * cell + sheets.GAP), sheets.PAPER)
    draw = ImageDraw.Draw(canvas)
    for true in range(count):
        for predicted in range(count):
            share, hue = float(shares[true, predicted]), (33, 102, 172) if true == predicted else sheets.MARK
            # A mistake of 3 % is to be seen too.
            weight = share if true == predicted else math.sqrt(share)
            colour = tuple(round(255 + (part - 255) * weight) for part in hue)
            x, y = margin + predicted * cell, margin + true * cell
            draw.rectangle((x, y, x + cell - 2, y + cell - 2), fill=colour)
            if numbers and counts[true, predicted]:
                ink = sheets.PAPER if weight > 0.6 else sheets.INK
                sheets.centred(draw, (x + cell / 2, y + cell / 2), f"{int(counts[true, predicted])}", ink)
    if numbers:
        for index, name in enumerate(classes):
            middle = margin + (index + 0.5) * cell
            draw.text((margin - sheets.GAP, middle), name, sheets.INK, sheets.font(), anchor="rm")
            sheets.centred(draw, (middle, margin / 2), name, sheets.INK)
    right = int(np.trace(counts))
    return sheets.titled(np.asarray(canvas), f"rows: true, columns: predicted; {right} of {int(counts.sum())} right")


def mistakes(images: Array, captions: Sequence[str], title: str) -> Picture:
    """Returns images, `(count, height, width, channels)` from 0 to 255, each under its caption."""
    return sheets.titled(sheets.grid([sheets.enlarged(as_colours(image), 84) for image in images], captions), title)


def sprite(images: Array, side: int = 32) -> Picture:
    """Returns images in rows of a square without gaps, each `side` pixels high and wide: what the projector shows."""
    columns = math.ceil(math.sqrt(len(images)))
    sheet = np.full((columns * side, columns * side, 3), 255, np.uint8)
    for index, image in enumerate(images):
        y, x = divmod(index, columns)
        small = Image.fromarray(as_colours(image)).resize((side, side))
        sheet[y * side : (y + 1) * side, x * side : (x + 1) * side] = np.asarray(small)
    return sheet


def as_colours(image: Array) -> Picture:
    """Returns `(height, width, channels)` from 0 to 255 as colours: three channels as they are, else their mean."""
    pixels = np.clip(np.nan_to_num(image.astype(np.float32)), 0, 255)
    three = pixels if image.shape[-1] == 3 else np.repeat(pixels.mean(-1, keepdims=True), 3, -1)
    return np.rint(three).astype(np.uint8)


def _by_channel(kernels: Array, colours: Sequence[tuple[int, int, int]]) -> list[Picture]:
    """Returns kernels, `(filters, *spatial, channels)` from 0 to 1, each by its strongest channels."""
    rank, channels = kernels.ndim - 2, kernels.shape[-1]
    norms = np.square(kernels - 0.5).sum(tuple(range(1, 1 + rank)))
    strongest = np.argsort(-norms, axis=1, kind="stable")[:, : _STRONGEST[rank]]
    chosen = np.take_along_axis(kernels, strongest.reshape(len(kernels), *(1,) * rank, -1), -1)
    if rank == 1:
        return _enlarged_kernels(sheets.coloured(np.moveaxis(chosen, -1, 1), colours), chosen.shape[1:2])
    planes = sheets.coloured(_planes(np.moveaxis(chosen, -1, 1).reshape(-1, *chosen.shape[1:-1])), colours)
    pictures = _enlarged_kernels(planes, chosen.shape[rank - 1 : rank + 1])
    if channels == 1:
        return pictures
    numbered = sheets.numbered(pictures, [str(channel) for channel in strongest.flat])
    count, few = strongest.shape
    beside = numbered.reshape(count, few, *numbered.shape[1:]).swapaxes(1, 2)  # (filters, height, few, width, 3)
    return list(beside.reshape(count, len(numbered[0]), -1, 3)[:, :, : -sheets.GAP])


def _enlarged_kernels(pictures: Picture, size: tuple[int, ...]) -> list[Picture]:
    factor = max(1, round(_SIDE / max(size)))
    return list(pictures.repeat(factor, 1).repeat(factor, 2))


def _planes(values: Array) -> Array:
    """Returns `(count, *spatial)` as `(count, height, width)`: one axis is a row, the first of three lies beside."""
    if values.ndim == 2:
        return values[:, None]
    if values.ndim == 3:
        return values
    slices = np.pad(values, ((0, 0), (0, 0), (0, 0), (0, 1)), constant_values=np.nan)
    return np.concatenate([slices[:, index] for index in range(slices.shape[1])], 2)[..., :-1]


def _range(limit: float) -> str:
    return f"-{limit:.3g} to {limit:.3g}"
