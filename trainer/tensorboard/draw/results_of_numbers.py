"""The results of numbers: predicted against true ones, a point for each sample."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from trainer.tensorboard.draw import scale, sheets, text
from trainer.tensorboard.draw.sheets import Array, Picture

_SIDE, _LEFT, _MARGIN, _BELOW = 360, 64, 12, 30  # pixels of the square, and around it
_RADIUS, _TICKS = 2, 5
_MOST = 16  # numbers with a picture
_POINT = (33, 102, 172)


def pictures(targets: Array, predicted: Array, names: Sequence[str]) -> dict[str, Picture]:
    """Returns a scatter picture of each number, of at most 16, by tag.

    Args:
      targets: `(count, numbers)`; at least as many as are predicted.
      predicted: `(count, numbers)`.
      names: of the numbers.
    """
    true = targets[: len(predicted)]
    return {
        f"results/scatter/{name}": scatter(true[:, index], predicted[:, index], name)
        for index, name in enumerate(names[:_MOST])
    }


def scatter(true: Array, predicted: Array, name: str) -> Picture:
    """Returns predicted numbers, upwards, over true ones, with the line on which both are equal.

    Args:
      true: `(count,)`.
      predicted: `(count,)`; points that are not finite are left out.
      name: of the number.
    """
    is_finite = np.isfinite(predicted) & np.isfinite(true)
    true, predicted = true[is_finite].astype(np.float64), predicted[is_finite].astype(np.float64)
    known = np.concatenate([true, predicted]) if len(true) else np.array([0.0, 1.0])
    low, high = float(known.min()), float(known.max())
    high = high if high > low else low + 1
    canvas = Image.new("RGB", (_LEFT + _SIDE + _MARGIN, _MARGIN + _SIDE + _BELOW), sheets.PAPER)
    draw = ImageDraw.Draw(canvas)

    def place(across: float, up: float) -> tuple[float, float]:
        share_across, share_up = ((value - low) / (high - low) for value in (across, up))
        return _LEFT + share_across * _SIDE, _MARGIN + (1 - share_up) * _SIDE

    draw.rectangle((_LEFT, _MARGIN, _LEFT + _SIDE, _MARGIN + _SIDE), outline=sheets.FRAME)
    draw.line((*place(low, low), *place(high, high)), fill=sheets.FAINT)
    for x, y in (place(one, other) for one, other in zip(true, predicted, strict=True)):
        draw.ellipse((x - _RADIUS, y - _RADIUS, x + _RADIUS, y + _RADIUS), fill=_POINT)
    ticks = [tick for tick in scale.ticks(low, high, _TICKS) if low <= tick <= high]
    for tick, label in zip(ticks, scale.labels(ticks), strict=True):
        x, y = place(tick, tick)
        draw.line((x, _MARGIN + _SIDE, x, _MARGIN + _SIDE + 3), fill=sheets.FAINT)
        draw.line((_LEFT - 3, y, _LEFT, y), fill=sheets.FAINT)
        sheets.centred(draw, (x, _MARGIN + _SIDE + 16), label, sheets.INK)
        sheets.centred(draw, (_LEFT - 6 - text.width(label) / 2, y), label, sheets.INK)
    error = float(np.abs(predicted - true).mean()) if len(true) else 0.0
    title = (
        f"{text.isolated(name, 160)} of {len(true):,} samples: predicted, upwards, over true; "
        f"mean absolute error {error:.4g}"
    )
    return sheets.titled(np.asarray(canvas), title)
