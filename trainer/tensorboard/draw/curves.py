"""Lines as pixels: the channels of a signal over its positions, and the weights of a kernel over its taps."""

import math
from collections.abc import Sequence

import numpy as np

from trainer.tensorboard.draw import scale as scales
from trainer.tensorboard.draw import sheets, strokes
from trainer.tensorboard.draw.scale import Limits, Scale
from trainer.tensorboard.draw.sheets import Array, Colour, Picture

MARGIN = 34  # pixels at the left, for numbers: lines below each other then have one axis
MOST = 12  # channels; of more the first ones are drawn
# Of the channels; neighbouring ones look different, also to most people with red-green colour blindness.
COLOURS: tuple[Colour, ...] = (
    (31, 87, 160),
    (214, 96, 20),
    (20, 130, 90),
    (150, 60, 140),
    (176, 140, 20),
    (60, 160, 200),
    (170, 40, 60),
    (90, 90, 90),
)
_FOOT = 16  # pixels of the numbers below
_LEAST = 20  # pixels of a channel's height
_SMALLEST = 8  # of one in a thumbnail
_APART = 48  # pixels between two numbers of an axis, about
_FEWEST = 3  # numbers of an axis, or fewer where these are all that are round
_FAINTEST = 0.4  # of a coloured band's opacity; the line above it is as the colour


def plot(
    signal: Array,
    width: int,
    scale: Scale,
    *,
    limits: Limits | None = None,
    also: Array | None = None,
    colours: Picture | None = None,
    opacity: Array | None = None,
) -> Picture:
    """Returns a signal as lines over its positions, the channels below each other, with numbers at the axes.

    A position is an interval of the horizontal axis. Where several are in a column of pixels, the column is filled from
    the least to the greatest. Each channel is drawn from its least to its greatest value, and over at least its
    spread in the training samples, so that the noise of a quiet channel looks quiet.

    Args:
      signal: `(length, channels)`.
      width: pixels.
      scale: of the samples.
      limits: the values at the foot and at the top of every channel; by default each channel's own. Zero is drawn.
      also: another signal whose values are on the axes too.
      colours: of the line and of a band behind it at each position, `(length, 3)`.
      opacity: of these, 0 to 1, `(length, 1)`.
    """
    count = min(MOST, signal.shape[1])
    height, inner = _height(width, count), width - MARGIN - sheets.GAP
    tints = _across(inner, colours, opacity) if colours is not None and opacity is not None else None
    canvas = np.full((count * height + _FOOT, width, 3), 255, np.uint8)
    for channel in range(count):
        known = [part[:, channel] for part in (signal, also) if part is not None]
        low, high = limits or _range(np.concatenate(known), scale.extent(channel))
        whole, ink = canvas[channel * height : (channel + 1) * height], COLOURS[channel % len(COLOURS)]
        area = whole[:, MARGIN : MARGIN + inner]
        if tints is not None:
            area[:] = strokes.mixed(area, tints[0], _FAINTEST * tints[1])
        if limits or count == 1:
            _rule(area, 0.0, low, high)
        strokes.laid(area, known[0], low, high, ink if tints is None else strokes.mixed(sheets.FAINT, *tints))
        if count > 1:
            area[-1] = np.minimum(area[-1], 225)
            _written(whole, str(channel), MARGIN - 4, 0.5 * height, ink)
        else:
            _vertical(whole, low, high)
    _horizontal(canvas, signal.shape[0], inner, scale)
    if count == signal.shape[1]:
        return canvas
    note = sheets.line_of(f"the first {MOST} of {signal.shape[1]} channels", sheets.FAINT)
    return sheets.below([canvas, note])


def strip(values: Array, width: int, height: int, limits: Limits, *, label: str, ink: Colour) -> Picture:
    """Returns one line, `(length,)`, without axes: under a signal of this width over the same positions."""
    canvas = np.full((height, width, 3), 255, np.uint8)
    area = canvas[:, MARGIN : width - sheets.GAP]
    strokes.laid(area, values, *limits, ink, fills=True)
    area[-1] = np.minimum(area[-1], 225)
    _written(canvas, label, MARGIN - 4, height - sheets.FONT / 2, sheets.INK)
    return canvas


def taps(lines: Array, names: Sequence[str], limit: float, width: int, height: int) -> Picture:
    """Returns the weights of a kernel, `(lines, taps)`, over its taps, from -limit to limit, each line under its name.

    The first line is above the others, and their names stand next to its own below, each in its line's colour.
    """
    foot = sheets.FONT + 2 if any(names) else 0
    canvas = np.full((height + foot, width, 3), 255, np.uint8)
    area = canvas[:height]
    _rule(area, 0.0, -limit, limit)
    inks = COLOURS[: len(lines)]
    for values, ink in reversed([*zip(lines, inks, strict=True)]):
        strokes.laid(area, values, -limit, limit, ink, dots=True)
    left = 2
    for name, ink in zip(names, inks, strict=True):
        label = sheets.line_of(name, ink) if name else None
        if label is not None and left + label.shape[1] <= width:
            canvas[height : height + foot, left : left + label.shape[1]] = label[1 : 1 + foot]
            left += label.shape[1] + 5
    return canvas


def small(signal: Array, side: int) -> Picture:
    """Returns a signal as lines below each other in a square of `side` pixels: the first channels, as many as fit."""
    canvas = np.full((side, side, 3), 255, np.uint8)
    count = max(1, min(signal.shape[1], side // _SMALLEST))
    for channel in range(count):
        values = signal[:, channel]
        area = canvas[channel * (side - 1) // count : (channel + 1) * (side - 1) // count, :-1]
        strokes.laid(area, values, *_range(values), COLOURS[channel % len(COLOURS)])
    canvas[-1], canvas[:, -1] = sheets.FRAME, sheets.FRAME
    return canvas


def _across(width: int, colours: Picture, opacity: Array) -> tuple[Array, Array]:
    """Returns the colour and the opacity of each column of pixels."""
    at = ((np.arange(width) + 0.5) * len(colours) / width).astype(int)
    return colours[at].astype(np.float32), opacity[at]


def _range(values: Array, extent: float = 0.0) -> Limits:
    known = values[np.isfinite(values)].astype(np.float64)
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    missing = max(0.0, extent - (high - low)) or (0.0 if high > low else abs(high) or 1.0)
    return low - missing / 2, high + missing / 2


def _height(width: int, count: int) -> int:
    whole = 36 + width // 10
    return whole if count == 1 else max(_LEAST, round(1.6 * whole / count))


def _rule(area: Picture, value: float, low: float, high: float) -> None:
    """Draws a faint horizontal line at a value that is between the limits."""
    if low < value < high:
        row = round((high - value) / (high - low) * (len(area) - 1))
        area[row] = np.minimum(area[row], 215)


def _written(canvas: Picture, text: str, right: float, middle: float, ink: Colour) -> None:
    """Writes a text that ends at a column, around a row; no part of it is outside the canvas."""
    label = sheets.line_of(text, ink)[2:-2]
    left = min(max(0, round(right) - label.shape[1]), canvas.shape[1] - label.shape[1])
    top = min(max(0, round(middle - len(label) / 2)), len(canvas) - len(label))
    if left >= 0 and top >= 0:
        canvas[top : top + len(label), left : left + label.shape[1]] = label


def _vertical(canvas: Picture, low: float, high: float) -> None:
    ticks = scales.ticks(low, high, len(canvas) // 16)
    for value, label in zip(ticks, scales.labels(ticks), strict=True):
        share = (high - value) / (high - low)
        canvas[round(share * (len(canvas) - 1)), MARGIN - 3 : MARGIN] = sheets.FAINT
        _written(canvas, label, MARGIN - 4, share * len(canvas), sheets.FAINT)
    canvas[:, MARGIN - 1] = sheets.FRAME


def _horizontal(canvas: Picture, length: int, inner: int, scale: Scale) -> None:
    """Draws the axis of positions: their numbers, or seconds, or millimetres."""
    step, unit = (scale.spacing[0], scale.unit) if scale.spacing else (1.0, "")
    if unit == "s" and step * length < 1:
        step, unit = 1000 * step, "ms"
    top = len(canvas) - _FOOT
    canvas[top, MARGIN : MARGIN + inner] = sheets.FRAME
    ticks = scales.ticks(0.0, step * (length - 1), max(_FEWEST, inner // _APART)) or [0.0]
    for value, label in zip(ticks, scales.labels(ticks), strict=True):
        column = MARGIN + (value / step + 0.5) / length * inner
        canvas[top : top + 3, math.floor(column)] = sheets.FAINT
        said = f"{label} {unit}" if value == ticks[-1] and unit else label
        _written(canvas, said, column + sheets.width_of(said) / 2, len(canvas) - 6, sheets.FAINT)
