"""Volumes as pixels: three orthogonal slices through one position, aligned along their shared axes."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from trainer.tensorboard.draw import scale as scales
from trainer.tensorboard.draw import sheets
from trainer.tensorboard.draw.scale import Scale
from trainer.tensorboard.draw.sheets import Array, Picture

AXES = ("depth", "height", "width")
_LABELLED = 130  # pixels of the side from which on the axes are named
_BETWEEN = 4  # pixels between the slices
_LONGEST, _SHORTEST = 2.0, 0.25  # of an axis, as a share of the middle one
_WHOLE = 0.75  # of the room is left where positions are whole pixels; where less were, they are not

Place = tuple[int, ...]


def middle(sizes: Sequence[int]) -> Place:
    """Returns the middle position."""
    return tuple(size // 2 for size in sizes)


def most_active(values: Array) -> Place:
    """Returns the position of the greatest value; of several, nearest to their mean; of equal ones, the middle."""
    if not np.isfinite(values).any() or np.nanmin(values) == np.nanmax(values):
        return middle(values.shape)
    places = np.argwhere(values == np.nanmax(values))
    return tuple(int(one) for one in places[np.square(places - places.mean(0)).sum(1).argmin()])


def cut(values: Array, at: Place) -> list[Array]:
    """Returns the slices of `(depth, height, width, ...)` through a position.

    They are `(height, width, ...)` at its depth, `(height, depth, ...)` at its width, `(depth, width, ...)` at its
    height.
    """
    depth, height, width = at
    return [values[depth], np.swapaxes(values[:, :, width], 0, 1), values[:, height]]


def laid_out(slices: Sequence[Picture], at: Place, side: int, scale: Scale) -> Picture:
    """Returns three slices in a square of about `side` pixels, and where the fourth were the position.

    At the left top is the first, at its right the second, over the same height; below the first the third, over the
    same width. Small marks show where the slices cut each other. Axes are as long as their number of positions, or as
    their millimetres; one that is much longer or shorter than the others is less so.

    Args:
      slices: as `cut` returns them, with colours.
      at: the position.
      side: pixels.
      scale: of the samples.
    """
    (high, wide), deep = slices[0].shape[:2], slices[2].shape[0]
    is_labelled = side >= _LABELLED
    head = sheets.FONT + 2 if is_labelled else 0
    depth, height, width = _pixels((deep, high, wide), side - head - _BETWEEN, scale)
    total = (head + height + _BETWEEN + depth, head + width + _BETWEEN + depth)
    canvas = np.full((*total, 3), 255, np.uint8)
    below, right = head + height + _BETWEEN, head + width + _BETWEEN
    canvas[head : head + height, head : head + width] = _resized(slices[0], height, width)
    canvas[head : head + height, right:] = _resized(slices[1], height, depth)
    canvas[below:, head : head + width] = _resized(slices[2], depth, width)
    _mark(canvas, at, (deep, high, wide), (depth, height, width), head)
    if is_labelled:
        for text, start, length in (("width", head, width), ("depth", right, depth)):
            _write(canvas[:head, start : start + length], text)
        for text, start, length in (("height", head, height), ("depth", below, depth)):
            _write(np.rot90(canvas[start : start + length, :head], -1), text)
    has_said = _say(canvas[below:, right:], at, scale)
    if has_said or not is_labelled:
        return canvas
    return sheets.below(
        [canvas, sheets.line_of(", ".join(_lines("dhw", at, scale)).replace(", mm", " mm"), sheets.FAINT)]
    )


def _pixels(sizes: Sequence[int], room: int, scale: Scale) -> tuple[int, int, int]:
    """Returns the pixels of depth, height and width; a position is a whole number of them where there is room."""
    is_even = len(set(scale.spacing)) < 2 or scale.unit != "mm"
    lengths = np.array(sizes, float) if is_even else np.array(sizes, float) * scale.spacing
    usual = float(np.sort(lengths)[1])
    bounded = np.clip(lengths, _SHORTEST * usual, _LONGEST * usual)
    factor = room / (bounded[0] + max(bounded[1:]))
    if is_even and (bounded == lengths).all() and int(factor) >= _WHOLE * factor:
        factor = int(factor)
    depth, height, width = (max(1, round(length * factor)) for length in bounded)
    return depth, height, width


def _resized(picture: Picture, height: int, width: int) -> Picture:
    high, wide = picture.shape[:2]
    if height % high == 0 and width % wide == 0:
        return picture.repeat(height // high, 0).repeat(width // wide, 1)
    how = Image.Resampling.BOX if height < high or width < wide else Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(picture).resize((width, height), how))


def _mark(canvas: Picture, at: Place, sizes: Sequence[int], pixels: Sequence[int], head: int) -> None:
    """Draws between the slices where each is cut by the others."""
    depth, height, width = (int((one + 0.5) / size * side) for one, size, side in zip(at, sizes, pixels, strict=True))
    below, right = head + pixels[1] + _BETWEEN, head + pixels[2] + _BETWEEN
    rows, columns = slice(below - _BETWEEN, below), slice(right - _BETWEEN, right)
    canvas[rows, [head + width, right + depth]] = sheets.MARK
    canvas[[head + height, below + depth], columns] = sheets.MARK


def _write(area: Picture, text: str) -> None:
    """Writes a text in the middle of an area; its first letter where there is no room for more."""
    for words in (text, text[0]):
        label = sheets.line_of(words, sheets.FAINT)[2:-1]
        top, left = (len(area) - len(label)) // 2, (area.shape[1] - label.shape[1]) // 2
        if top >= 0 and left >= 0:
            area[top : top + len(label), left : left + label.shape[1]] = label
            return


def _say(area: Picture, at: Place, scale: Scale) -> bool:
    """Writes the position into the empty quarter, in short where that is narrow; returns whether there is room."""
    room = sheets.FONT + 1
    for names in (AXES, "dhw"):
        lines = _lines(names, at, scale)
        if len(area) >= room * len(lines) and area.shape[1] >= max(map(sheets.width_of, lines)):
            top = (len(area) - room * len(lines)) // 2
            for index, line in enumerate(lines):
                _write(area[top + index * room : top + (index + 1) * room], line)
            return True
    return False


def _lines(names: Sequence[str], at: Place, scale: Scale) -> list[str]:
    """Returns where each axis is cut: in positions, or in millimetres."""
    spacing = scale.spacing if scale.unit == "mm" else (1.0,) * len(at)
    lines = [f"{name} {scales.number(one * step)}" for name, one, step in zip(names, at, spacing, strict=True)]
    return lines + ([scale.unit] if scale.unit == "mm" else [])
