"""A line through values, as smooth pixels."""

import numpy as np
from PIL import Image, ImageDraw

from trainer.tensorboard.draw.sheets import Array, Colour, Picture

_FINE = 4  # parts of a pixel: a line is drawn so much larger, and made smaller
_STROKE = 5  # of these parts


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
      values: `(length,)`, at the middles of as many intervals; what is no number leaves a gap.
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
    mask = Image.new("L", (width, height))
    draw = ImageDraw.Draw(mask)
    edge = _STROKE // 2 + 1

    def down(parts: Array) -> Array:
        share = np.clip((high - parts) / ((high - low) or 1.0), -0.1, 1.1)
        return np.asarray(edge + share * (height - 1 - 2 * edge))

    least, most = values, values
    across: Array = (np.arange(len(values)) + 0.5) / len(values) * width
    if len(values) > width:
        starts = np.arange(width) * len(values) // width
        least, most = np.fmin.reduceat(values, starts), np.fmax.reduceat(values, starts)
        across = np.arange(width) + 0.5
    if is_filled:
        least, most = np.asarray(np.fmin(least, 0), np.float64), np.asarray(np.fmax(most, 0), np.float64)
    known = np.flatnonzero(np.isfinite(least))
    for run in np.split(known, np.flatnonzero(np.diff(known) > 1) + 1) if len(known) else ():
        top = [*zip(across[run].tolist(), down(most[run]).tolist(), strict=True)]
        foot = [*zip(across[run].tolist(), down(least[run]).tolist(), strict=True)]
        if least is not most and len(run) > 1:
            draw.polygon([*top, *reversed(foot)], fill=255)
        for path in () if is_filled else (top, foot) if least is not most else (top,):
            draw.line(path, fill=255, width=_STROKE, joint="curve")
        if len(run) == 1 or has_dots:
            size_of_dot = _STROKE if has_dots else _STROKE / 2
            for x, y in top:
                draw.ellipse((x - size_of_dot, y - size_of_dot, x + size_of_dot, y + size_of_dot), fill=255)
    return np.asarray(mask.reduce(_FINE), np.float32) / 255


def mixed(under: Array | Colour, over: Array, share: Array) -> Picture:
    """Returns colours under others, of which each has a share, 0 to 1."""
    mixed: Picture = np.rint((1 - share) * np.asarray(under) + share * over).astype(np.uint8)
    return mixed
