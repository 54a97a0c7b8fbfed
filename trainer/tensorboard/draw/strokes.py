"""A line through values, as smooth pixels."""

import numpy as np
from PIL import Image, ImageDraw

from trainer.tensorboard.draw.sheets import Array, Colour, Picture

_FINE = 4  # parts of a pixel: a line is drawn so much larger, and made smaller
_STROKE = 5  # of these parts
_EDGE = _STROKE // 2 + 1  # of these parts, left free above and below


def laid(
    area: Picture,
    values: Array,
    low: float,
    high: float,
    ink: Colour | Array,
    *,
    dots: bool = False,
    fills: bool = False,
) -> None:
    """Draws a line over an area, `(height, width, 3)`.

    Args:
      area: what is drawn on.
      values: `(length,)`, at the middles of as many intervals; NaN leaves a gap.
      low: the value at the area's foot.
      high: at its top.
      ink: one colour, or one for each column, `(width, 3)`.
      dots: whether each value is a dot too.
      fills: whether the area from zero to the line is filled faintly.
    """
    if fills:
        inside = _covered(values, low, high, area.shape[:2], is_filled=True)
        area[:] = mixed(area, np.asarray(ink), 0.35 * inside[..., None])
    cover = _covered(values, low, high, area.shape[:2], has_dots=dots)
    area[:] = mixed(area, np.asarray(ink), cover[..., None])


def _covered(
    values: Array, low: float, high: float, size: tuple[int, int], *, has_dots: bool = False, is_filled: bool = False
) -> Array:
    """Returns how much of each pixel a line covers, 0 to 1, `(height, width)`."""
    height, width = (side * _FINE for side in size)
    values = np.asarray(np.where(np.isfinite(values), values, np.nan), np.float64)

    def down(parts: Array) -> Array:
        share = np.clip((high - parts) / ((high - low) or 1.0), -0.1, 1.1)
        return np.asarray(_EDGE + share * (height - 1 - 2 * _EDGE))

    if len(values) > width:
        starts = np.arange(width) * len(values) // width
        greatest, least = np.fmax.reduceat(values, starts), np.fmin.reduceat(values, starts)
        fine = _columns(down(np.fmax(greatest, 0) if is_filled else greatest), down(least), height)
    else:
        across = (np.arange(len(values)) + 0.5) / len(values) * width
        fine = _path(
            across, down(values), (height, width), float(down(np.zeros(1))[0]) if is_filled else None, has_dots
        )
    parts = fine.reshape(size[0], _FINE, size[1], _FINE)
    return np.asarray(parts.mean((1, 3), dtype=np.float32))


def _columns(top: Array, foot: Array, height: int) -> Array:
    """Returns whether parts of pixels, `(height, width)`, are on a line that goes from top to foot in each column."""
    # It reaches to where it was in the column before, and is as wide as it is high.
    top, foot = np.fmin(top, _moved(foot, 1)), np.fmax(foot, _moved(top, 1))
    reach = range(-(_STROKE // 2), _STROKE // 2 + 1)
    top = np.fmin.reduce([_moved(top, by) for by in reach])
    foot = np.fmax.reduce([_moved(foot, by) for by in reach])
    rows, half = np.arange(height)[:, None], _STROKE / 2
    return np.asarray((rows >= top - half) & (rows <= foot + half))


def _moved(columns: Array, by: int) -> Array:
    """Returns columns so many to the right, and NaN where there were none."""
    missing = np.full(min(abs(by), len(columns)), np.nan)
    return np.concatenate([missing, columns[: len(columns) - by]] if by > 0 else [columns[-by:], missing])


def _path(across: Array, down: Array, size: tuple[int, int], zero: float | None, has_dots: bool) -> Array:
    """Returns whether parts of pixels are on the line through points, or between it and a row."""
    mask = Image.new("1", size[::-1])
    draw = ImageDraw.Draw(mask)
    known, radius = np.flatnonzero(np.isfinite(down)), _STROKE if has_dots else _STROKE / 2
    for run in np.split(known, np.flatnonzero(np.diff(known) > 1) + 1) if len(known) else ():
        points = [*zip(across[run].tolist(), down[run].tolist(), strict=True)]
        if zero is not None and len(run) > 1:
            draw.polygon([(points[0][0], zero), *points, (points[-1][0], zero)], fill=1)
        elif zero is None:
            draw.line(points, fill=1, width=_STROKE, joint="curve")
        for x, y in points if len(run) == 1 or has_dots else ():
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=1)
    return np.asarray(mask)


def mixed(under: Array | Colour, over: Array, share: Array) -> Picture:
    """Returns colours mixed with others by shares from 0 to 1."""
    mixed: Picture = np.rint((1 - share) * np.asarray(under) + share * over).astype(np.uint8)
    return mixed
