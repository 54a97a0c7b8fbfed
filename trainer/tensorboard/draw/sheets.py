"""Pictures laid out on sheets: in a grid, below each other, under words; and values as colours."""

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from trainer.tensorboard.draw import text as texts

Picture = npt.NDArray[np.uint8]  # (height, width, 3)
Array = npt.NDArray[Any]
Colour = tuple[int, int, int]

INK, PAPER, FAINT, FRAME, MARK = (32, 32, 32), (255, 255, 255), (120, 120, 120), (176, 176, 176), (214, 39, 40)
FONT = texts.HEIGHT - 4  # pixels of a line without what is above and below its letters
GAP = 4
_SQUARES = 3  # times as large, from which on each pixel is a square
_BAR = 120  # pixels of a scale's colours
SHOWN = 350  # pixels of a picture's width as TensorBoard shows it by default, whatever its own

# Scales of colours for values from 0 to 1; the brightness of each changes evenly.
SEQUENTIAL = ((0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164))
DIVERGING = ((5, 48, 97), (67, 147, 195), (247, 247, 247), (214, 96, 77), (103, 0, 31))
GREYS = ((0, 0, 0), (255, 255, 255))


def grid(
    pictures: Sequence[Picture] | Picture, captions: Sequence[str], *, marked: Array | None = None, columns: int = 0
) -> Picture:
    """Returns pictures of one size in rows, framed, each under its caption.

    Args:
      pictures: `(height, width, 3)` each.
      captions: one for each.
      marked: which are framed in red and crossed out.
      columns: how many, or fewer where captions are wide; by themselves, so many that it all is about a third wider
        than high. At most as many as TensorBoard shows completely.
    """
    high, wide, _ = pictures[0].shape
    head = FONT + 2 if any(captions) else 0
    width = max(wide, *map(width_of, captions)) + GAP + 2
    height = high + GAP + 2 + head
    best = columns or min(len(pictures), round(math.sqrt(len(pictures) * height / width * 4 / 3)))
    columns = max(1, min(best, (SHOWN - GAP) // width))
    canvas = np.full((-(-len(pictures) // columns) * height + GAP, columns * width + GAP, 3), 255, np.uint8)
    for index, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        y, x = divmod(index, columns)
        top, left = GAP + y * height, GAP + x * width
        if caption:
            label = line_of(caption, INK)
            canvas[top - 2 : top - 2 + len(label), left + 1 : left + 1 + label.shape[1]] = label
        is_marked = marked is not None and bool(marked[index])
        framed = canvas[top + head : top + head + high + 2, left : left + wide + 2]
        framed[:] = MARK if is_marked else FRAME
        framed[1:-1, 1:-1] = picture
        if is_marked:
            down = np.linspace(0, high + 1, 2 * max(high, wide)).astype(int)
            across = np.linspace(0, wide + 1, 2 * max(high, wide)).astype(int)
            framed[down, across] = framed[down, wide + 1 - across] = MARK
    return canvas


def columns(width: int) -> int:
    """Returns the number of pictures of this width in a row that TensorBoard shows completely by default."""
    return max(1, (SHOWN - GAP) // (width + GAP + 2))


def titled(picture: Picture, title: str) -> Picture:
    """Returns a picture under a text, in lines no wider than the picture, or than TensorBoard shows by default."""
    labels = [line_of(one, INK) for one in texts.wrapped(title, max(picture.shape[1], SHOWN) - 2 * GAP)]
    head = len(labels) * (FONT + 2) + 2 * GAP - 2
    width = max(picture.shape[1], *(label.shape[1] + 2 * GAP for label in labels))
    canvas = np.full((picture.shape[0] + head, width, 3), 255, np.uint8)
    for index, label in enumerate(labels):
        top = GAP - 1 + index * (FONT + 2)
        # The first and the last rows of a line overlap with its neighbours'.
        area = canvas[top : top + len(label), GAP : GAP + label.shape[1]]
        area[:] = np.minimum(area, label)
    canvas[head:, : picture.shape[1]] = picture
    return canvas


def shown(picture: Picture) -> Picture:
    """Returns a picture as wide as TensorBoard shows it: a whole number of times as large, white at its right.

    TensorBoard would scale it by dropping or doubling pixels, which makes text illegible.
    """
    times = max(1, SHOWN // picture.shape[1])
    large = picture.repeat(times, 0).repeat(times, 1)
    return np.pad(large, ((0, 0), (0, max(0, SHOWN - large.shape[1])), (0, 0)), constant_values=255)


def below(pictures: Sequence[Picture]) -> Picture:
    """Returns pictures below each other."""
    height, width = sum(map(len, pictures)), max(picture.shape[1] for picture in pictures)
    canvas, top = np.full((height, width, 3), 255, np.uint8), 0
    for picture in pictures:
        canvas[top : top + len(picture), : picture.shape[1]] = picture
        top += len(picture)
    return canvas


def rows(pictures: Sequence[Picture], columns: int) -> Picture:
    """Returns pictures beside each other, so many in a row, and the rows below each other."""
    height, width = max(map(len, pictures)), max(picture.shape[1] for picture in pictures) + 2 * GAP
    count = min(columns, len(pictures))
    canvas = np.full((-(-len(pictures) // count) * height, count * width, 3), 255, np.uint8)
    for index, picture in enumerate(pictures):
        top, left = index // count * height, index % count * width
        canvas[top : top + len(picture), left : left + picture.shape[1]] = picture
    return canvas


def about_zero(values: Array) -> tuple[float, float]:
    """Returns the ends of a scale: from 0 to the greatest value, or as far below 0 as above where some are negative."""
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    return (-max(-low, high), max(-low, high)) if low < 0 else (0.0, high)


def scale_for(limits: tuple[float, float]) -> Sequence[Colour]:
    """Returns the colours of values: diverging about zero if the limits have both signs, else sequential."""
    return DIVERGING if limits[0] < 0 else SEQUENTIAL


def legend(limits: tuple[float, float], colours: Sequence[Colour], name: str = "") -> Picture:
    """Returns a bar of a scale's colours between its two ends, after the name of what they mean."""
    return scale_of(f"{limits[0]:.3g}", colours, f"{limits[1]:.3g}", name)


def scale_of(low: str, colours: Sequence[Colour], high: str, name: str = "") -> Picture:
    """Returns a bar of colours between what its two ends mean, after the name of what it is."""
    first, last = line_of(low, FAINT), line_of(high, FAINT)
    label = line_of(name, FAINT) if name else np.full((texts.HEIGHT, 0, 3), 255, np.uint8)
    bar = np.full((texts.HEIGHT, _BAR, 3), 255, np.uint8)
    bar[3:-3] = coloured(np.linspace(0, 1, _BAR)[None], colours)
    gap = np.full((texts.HEIGHT, GAP, 3), 255, np.uint8)
    return np.concatenate([gap, label, gap, first, gap, bar, gap, last], 1)


def numbered(pictures: Sequence[Picture], numbers: Sequence[str]) -> Picture:
    """Returns pictures of one size, each with its number below and a gap to its right."""
    high, wide, _ = pictures[0].shape
    width = max(wide, *map(width_of, numbers)) + GAP
    canvas = np.full((len(pictures), high + FONT + 1, width, 3), 255, np.uint8)
    for framed, picture, number in zip(canvas, pictures, numbers, strict=True):
        label = line_of(number, FAINT)
        left = max(0, (wide - label.shape[1]) // 2)
        foot = framed[high:, left : left + label.shape[1]]
        foot[:] = label[1 : 1 + len(foot)]
        framed[:high, :wide] = picture
    return canvas


def enlarged(picture: Picture, side: int) -> Picture:
    """Returns a picture whose longer side is at most `side`.

    Pixels of a small one are squares, a whole number of times as large. One of at least a third of the side is exactly
    as large, interpolated; one that is larger from the start is made smaller.
    """
    longer = max(picture.shape[:2])
    factor = side / longer
    if factor >= _SQUARES or factor == int(factor):
        return picture.repeat(int(factor), 0).repeat(int(factor), 1)
    height, width = (max(1, round(pixels * factor)) for pixels in picture.shape[:2])
    how = Image.Resampling.BOX if factor < 1 else Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(picture).resize((width, height), how))


def coloured(values: Array, colours: Sequence[Colour]) -> Picture:
    """Returns values from 0 to 1 as colours of a scale; NaN in the colour of frames."""
    indices = np.where(np.isnan(values), 256.0, np.clip(values, 0, 1) * 255)
    return _table(tuple(colours))[np.rint(indices).astype(np.int16)]


def centred(draw: ImageDraw.ImageDraw, middle: tuple[float, float], text: str, ink: Colour) -> None:
    """Writes a text around a point."""
    mask = Image.fromarray(texts.line(text))
    draw.bitmap((round(middle[0] - mask.width / 2), round(middle[1] - FONT / 2 - 1)), mask, ink)


@functools.lru_cache(2048)
def line_of(text: str, ink: Colour) -> Picture:
    """Returns a line of text."""
    mask = Image.fromarray(texts.line(text))
    canvas = Image.new("RGB", mask.size, PAPER)
    ImageDraw.Draw(canvas).bitmap((0, 0), mask, ink)
    return np.asarray(canvas)


def width_of(text: str) -> int:
    """Returns the pixels that a text is wide."""
    return texts.width(text)


@functools.cache
def _table(colours: tuple[Colour, ...]) -> Picture:
    at, given = np.linspace(0, 1, 256), np.linspace(0, 1, len(colours))
    parts = [np.interp(at, given, [colour[part] for colour in colours]) for part in range(3)]
    return np.concatenate([np.rint(np.stack(parts, -1)).astype(np.uint8), np.array([FRAME], np.uint8)])
