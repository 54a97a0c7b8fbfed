"""Kernels, feature maps and results as pictures: arrays in, uint8 `(height, width, 3)` out, nothing written."""

import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Picture = npt.NDArray[np.uint8]
Array = npt.NDArray[Any]

_INK, _PAPER, _FAINT, _FRAME, _MARK = (32, 32, 32), (255, 255, 255), (120, 120, 120), (176, 176, 176), (214, 39, 40)
_FONT = 11  # pixels, at which digits are still told apart
_GAP = 4
_SIDE = 27  # pixels that the longer side of a kernel is enlarged to
_MOST_FILTERS = 256
_MOST_MAPS = 64
_SHOWN = 348  # pixels of a picture's width that TensorBoard shows unasked, more or less
_STRONGEST = {1: 16, 2: 4, 3: 2}  # input channels drawn of a deeper layer's kernel, by its rank

# Where a value between 0 and 1 lies on the way through these colours; each way is evenly bright.
_SEQUENTIAL = ((0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164))
_DIVERGING = ((5, 48, 97), (67, 147, 195), (247, 247, 247), (214, 96, 77), (103, 0, 31))
_GREYS = ((0, 0, 0), (255, 255, 255))


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
        drawn = _by_channel(scaled, _GREYS if is_input else _DIVERGING)
    size, few = "x".join(map(str, kernel.shape[:rank])), f"the first {_MOST_FILTERS} of "
    return titled(
        grid(drawn, [str(index) for index in range(len(drawn))]),
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
    parts = [titled(grid([enlarged(as_colours(image), 112)], [""]), "input")]
    for name, output in layers.items():
        maps = np.moveaxis(np.nan_to_num(output.astype(np.float32)), -1, 0)
        low, high = min(0.0, float(maps.min())), float(maps.max())
        drawn = _coloured(_planes((maps[:_MOST_MAPS] - low) / ((high - low) or 1.0)), _SEQUENTIAL)
        more = f" of {len(maps)}" if len(maps) > len(drawn) else ""
        pictures = [enlarged(picture, 28) for picture in drawn]
        numbers = [str(index) for index in range(len(drawn))]
        columns = max(1, (_SHOWN - _GAP) // (pictures[0].shape[1] + _GAP + 2))
        sheet = grid(pictures, numbers, marked=dead[name][: len(drawn)], columns=min(columns, len(pictures)))
        parts.append(titled(sheet, f"{name}: {len(drawn)}{more} maps, {low:.3g} to {high:.3g}"))
    return titled(_below(parts), title)


def what_decides(image: Array, maps: Mapping[str, Array], title: str) -> Picture:
    """Returns an image, and each map laid over it, two in a row: as wide as TensorBoard shows them unasked.

    Args:
      image: `(height, width, channels)`, 0 to 255.
      maps: by name, `(height, width)`. One without negative values is drawn as heat; one with them from blue, against
        the class, to red, for it; each by its own largest value.
      title: above it all.
    """
    side = 140
    tiles = [enlarged(as_colours(image), side)]
    faint = np.repeat(image.astype(np.float32).mean(-1, keepdims=True), 3, -1)
    for values in maps.values():
        limit = float(np.abs(values).max()) or 1.0
        share = np.abs(values / limit)[..., None]
        if values.min() < 0:
            colours = _coloured(values / (2 * limit) + 0.5, _DIVERGING)
        else:
            colours = _coloured(values / limit, _SEQUENTIAL)
        opacity = np.clip(share * 1.5, 0.15, 0.9)
        mixed = (1 - opacity) * (0.5 * faint + 64) + opacity * colours
        tiles.append(enlarged(mixed.astype(np.uint8), side))
    return titled(grid(tiles, ["input", *maps], columns=2), title)


def confusion_matrix(counts: Array, classes: Sequence[str]) -> Picture:
    """Returns which class was taken for which: a row for each true class, shaded by the row's shares.

    Args:
      counts: `(true, predicted)`.
      classes: their names.
    """
    count, cell, numbers = len(classes), 34 if len(classes) <= 30 else max(4, 800 // len(classes)), len(classes) <= 30
    margin = (max(_width(name) for name in classes) + 2 * _GAP) if numbers else _GAP
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    canvas = Image.new("RGB", (margin + count * cell + _GAP, margin + count * cell + _GAP), _PAPER)
    draw = ImageDraw.Draw(canvas)
    for true in range(count):
        for predicted in range(count):
            share, hue = float(shares[true, predicted]), (33, 102, 172) if true == predicted else _MARK
            # A mistake of 3 % is to be seen too.
            weight = share if true == predicted else math.sqrt(share)
            colour = tuple(round(255 + (part - 255) * weight) for part in hue)
            x, y = margin + predicted * cell, margin + true * cell
            draw.rectangle((x, y, x + cell - 2, y + cell - 2), fill=colour)
            if numbers and counts[true, predicted]:
                ink = _PAPER if weight > 0.6 else _INK
                _centred(draw, (x + cell / 2, y + cell / 2), f"{int(counts[true, predicted])}", ink)
    if numbers:
        for index, name in enumerate(classes):
            draw.text((margin - _GAP, margin + (index + 0.5) * cell), name, _INK, _font(), anchor="rm")
            _centred(draw, (margin + (index + 0.5) * cell, margin / 2), name, _INK)
    right = int(np.trace(counts))
    return titled(np.asarray(canvas), f"rows: true, columns: predicted; {right} of {int(counts.sum())} right")


def mistakes(images: Array, captions: Sequence[str], title: str) -> Picture:
    """Returns images, `(count, height, width, channels)` from 0 to 255, each under its caption."""
    return titled(grid([enlarged(as_colours(image), 84) for image in images], captions), title)


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


def enlarged(picture: Picture, side: int) -> Picture:
    """Returns a picture whose pixels are squares, so many times as large that the longer side is about `side`.

    One that is larger from the start is made smaller.
    """
    longer = max(picture.shape[:2])
    factor = round(side / longer)
    if factor >= 1:
        return picture.repeat(factor, 0).repeat(factor, 1)
    height, width = (max(1, round(pixels * side / longer)) for pixels in picture.shape[:2])
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BOX))


def grid(
    pictures: Sequence[Picture] | Picture, captions: Sequence[str], *, marked: Array | None = None, columns: int = 0
) -> Picture:
    """Returns pictures of one size in rows, framed, each under its caption.

    Args:
      pictures: `(height, width, 3)` each.
      captions: one for each.
      marked: which are framed in red and crossed out.
      columns: how many; by themselves, so many that it all is about a third wider than high.
    """
    high, wide, _ = pictures[0].shape
    head = _FONT + 2 if any(captions) else 0
    width = max(wide, *map(_width, captions)) + _GAP + 2
    height = high + _GAP + 2 + head
    columns = columns or min(len(pictures), max(1, round(math.sqrt(len(pictures) * height / width * 4 / 3))))
    canvas = np.full((-(-len(pictures) // columns) * height + _GAP, columns * width + _GAP, 3), 255, np.uint8)
    for index, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        y, x = divmod(index, columns)
        top, left = _GAP + y * height, _GAP + x * width
        if caption:
            label = _label(caption, _INK)
            canvas[top - 2 : top - 2 + len(label), left + 1 : left + 1 + label.shape[1]] = label
        is_marked = marked is not None and bool(marked[index])
        framed = canvas[top + head : top + head + high + 2, left : left + wide + 2]
        framed[:] = _MARK if is_marked else _FRAME
        framed[1:-1, 1:-1] = picture
        if is_marked:
            down = np.linspace(0, high + 1, 2 * max(high, wide)).astype(int)
            across = np.linspace(0, wide + 1, 2 * max(high, wide)).astype(int)
            framed[down, across] = framed[down, wide + 1 - across] = _MARK
    return canvas


def titled(picture: Picture, title: str) -> Picture:
    """Returns a picture under a line of text; of one that is too narrow for it, wider."""
    label, head = _label(title, _INK), _FONT + 2 * _GAP
    width = max(picture.shape[1], label.shape[1] + 2 * _GAP)
    canvas = np.full((picture.shape[0] + head, width, 3), 255, np.uint8)
    canvas[_GAP - 1 : _GAP - 1 + len(label), _GAP : _GAP + label.shape[1]] = label
    canvas[head:, : picture.shape[1]] = picture
    return canvas


def _by_channel(kernels: Array, colours: Sequence[tuple[int, int, int]]) -> list[Picture]:
    """Returns kernels, `(filters, *spatial, channels)` from 0 to 1, each by its strongest channels."""
    rank, channels = kernels.ndim - 2, kernels.shape[-1]
    norms = np.square(kernels - 0.5).sum(tuple(range(1, 1 + rank)))
    strongest = np.argsort(-norms, axis=1, kind="stable")[:, : _STRONGEST[rank]]
    chosen = np.take_along_axis(kernels, strongest.reshape(len(kernels), *(1,) * rank, -1), -1)
    if rank == 1:
        return _enlarged_kernels(_coloured(np.moveaxis(chosen, -1, 1), colours), chosen.shape[1:2])
    planes = _coloured(_planes(np.moveaxis(chosen, -1, 1).reshape(-1, *chosen.shape[1:-1])), colours)
    pictures = _enlarged_kernels(planes, chosen.shape[rank - 1 : rank + 1])
    if channels == 1:
        return pictures
    numbered = _numbered(pictures, [str(channel) for channel in strongest.flat])
    count, few = strongest.shape
    beside = numbered.reshape(count, few, *numbered.shape[1:]).swapaxes(1, 2)  # (filters, height, few, width, 3)
    return list(beside.reshape(count, len(numbered[0]), -1, 3)[:, :, :-_GAP])


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


def _numbered(pictures: Sequence[Picture], numbers: Sequence[str]) -> Picture:
    """Returns pictures of one size, each with its number below and a gap to its right."""
    high, wide, _ = pictures[0].shape
    width = max(wide, *map(_width, numbers)) + _GAP
    canvas = np.full((len(pictures), high + _FONT + 1, width, 3), 255, np.uint8)
    for numbered, picture, number in zip(canvas, pictures, numbers, strict=True):
        label = _label(number, _FAINT)
        left = max(0, (wide - label.shape[1]) // 2)
        below = numbered[high:, left : left + label.shape[1]]
        below[:] = label[1 : 1 + len(below)]
        numbered[:high, :wide] = picture
    return canvas


def _below(pictures: Sequence[Picture]) -> Picture:
    height, width = sum(map(len, pictures)), max(picture.shape[1] for picture in pictures)
    canvas, top = np.full((height, width, 3), 255, np.uint8), 0
    for picture in pictures:
        canvas[top : top + len(picture), : picture.shape[1]] = picture
        top += len(picture)
    return canvas


def _coloured(values: Array, colours: Sequence[tuple[int, int, int]]) -> Picture:
    """Returns values from 0 to 1 on the way through some colours; what is no number in the colour of frames."""
    indices = np.where(np.isnan(values), 256.0, np.clip(values, 0, 1) * 255)
    return _table(tuple(colours))[np.rint(indices).astype(np.int16)]


@functools.cache
def _table(colours: tuple[tuple[int, int, int], ...]) -> Picture:
    at, places = np.linspace(0, 1, 256), np.linspace(0, 1, len(colours))
    parts = [np.interp(at, places, [colour[part] for colour in colours]) for part in range(3)]
    return np.concatenate([np.rint(np.stack(parts, -1)).astype(np.uint8), np.array([_FRAME], np.uint8)])


@functools.lru_cache(2048)
def _label(text: str, ink: tuple[int, int, int]) -> Picture:
    """Returns a line of text."""
    canvas = Image.new("RGB", (max(1, _width(text)), _FONT + 4), _PAPER)
    ImageDraw.Draw(canvas).text((0, 0), text, ink, _font())
    return np.asarray(canvas)


def _range(limit: float) -> str:
    return f"-{limit:.3g} to {limit:.3g}"


def _centred(draw: ImageDraw.ImageDraw, place: tuple[float, float], text: str, ink: tuple[int, int, int]) -> None:
    draw.text(place, text, ink, _font(), anchor="mm")


@functools.lru_cache(2048)
def _width(text: str) -> int:
    return math.ceil(_font().getlength(text))


@functools.cache
def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(_FONT)
