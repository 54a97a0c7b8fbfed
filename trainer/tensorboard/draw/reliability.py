"""The reliability diagram of a classifier, or of a label."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from trainer.tensorboard.draw import sheets, text
from trainer.tensorboard.draw.sheets import Picture

_SIDE = 300  # pixels of the unit square
_LEFT, _FOOT = 44, 38  # pixels for numbers, and below for the name of the axis too
_BAR, _GAP = (33, 102, 172), (240, 190, 190)
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)

Bin = tuple[float, float, int, float | None, float | None]  # low, high, samples, confidence, accuracy


def diagram(bins: Sequence[Bin], title: str, across: str = "confidence", up: str = "accuracy") -> Picture:
    """Returns the accuracy of the samples in each interval of confidence, and in light red its distance to the mean
    confidence; on the diagonal both are equal. Bars are wide as their interval, and darker with more samples.

    Args:
      bins: the ends of each interval, its samples, their mean confidence and their accuracy.
      title: above it.
      across: the name of the horizontal axis.
      up: of the vertical one.
    """
    canvas = Image.new("RGB", (_LEFT + _SIDE + 16, _SIDE + _FOOT + 8), sheets.PAPER)
    draw = ImageDraw.Draw(canvas)
    most = max(samples for _, _, samples, _, _ in bins)
    for low, high, samples, confidence, accuracy in bins:
        if confidence is None or accuracy is None:
            continue
        left, right = _x(low) + 1, _x(high) - 1
        ends = sorted((_y(confidence), _y(accuracy)))
        strength = 0.35 + 0.65 * samples / most
        draw.rectangle((left, _y(accuracy), right, _y(0)), fill=tuple(round(255 + (c - 255) * strength) for c in _BAR))
        draw.rectangle((left, ends[0], right, ends[1]), fill=_GAP)
        draw.line((left, _y(accuracy), right, _y(accuracy)), fill=sheets.INK, width=2)
    draw.line((_x(0), _y(0), _x(1), _y(1)), fill=sheets.FAINT)
    draw.rectangle((_x(0), _y(1), _x(1), _y(0)), outline=sheets.FRAME)
    for tick in _TICKS:
        sheets.centred(draw, (_x(tick), _y(0) + 10), f"{tick:g}", sheets.FAINT)
        sheets.centred(draw, (_LEFT - 4 - text.width(f"{tick:g}") / 2, _y(tick)), f"{tick:g}", sheets.FAINT)
    sheets.centred(draw, (_x(0.5), _y(0) + 26), across, sheets.INK)
    name = Image.fromarray(sheets.line_of(up, sheets.INK)).rotate(90, expand=True)
    canvas.paste(name, (0, round(_y(0.5) - name.height / 2)))
    return sheets.titled(np.asarray(canvas), title)


def _x(share: float) -> int:
    return round(_LEFT + share * _SIDE)


def _y(share: float) -> int:
    return round(8 + (1 - share) * _SIDE)
