"""Deletion and insertion curves as a picture."""

from collections.abc import Mapping

import numpy as np

from trainer.tensorboard.draw import sheets, strokes
from trainer.tensorboard.draw.curves import COLOURS, MARGIN
from trainer.tensorboard.draw.sheets import Array, Picture

_WIDTH, _HEIGHT = 338, 84  # pixels of a panel
_FOOT = sheets.FONT + 4  # pixels of the numbers below
_TICKS = (0.0, 0.5, 1.0)
_SAMPLE = 14  # pixels of a line in the legend


def faithfulness(deletion: Mapping[str, Array], insertion: Mapping[str, Array], title: str) -> Picture:
    """Returns two panels below each other and their legend; the probability over the share of positions.

    Args:
      deletion: by method, `(steps + 1,)`, from 0 to 1: as the most important positions are covered.
      insertion: by method: as they come into a blurred sample.
      title: above it all.
    """
    parts = [
        sheets.titled(_panel(deletion), "deletion of the most important positions; lower is better"),
        sheets.titled(_panel(insertion), "insertion of them into a blurred sample; higher is better"),
        _legend([*deletion]),
    ]
    return sheets.titled(sheets.below(parts), title)


def _panel(curves: Mapping[str, Array]) -> Picture:
    canvas = np.full((_HEIGHT + _FOOT, _WIDTH, 3), 255, np.uint8)
    right = _WIDTH - 2 * sheets.GAP
    area = canvas[:_HEIGHT, MARGIN:right]
    for share in _TICKS:
        row = round((1 - share) * (_HEIGHT - 1))
        area[row] = np.minimum(area[row], 225)
        label = sheets.line_of(f"{share:g}", sheets.FAINT)[2:-2]
        top = min(max(0, row - len(label) // 2), _HEIGHT - len(label))
        canvas[top : top + len(label), MARGIN - 4 - label.shape[1] : MARGIN - 4] = label
        label = sheets.line_of(f"{share:.0%}", sheets.FAINT)[2:-2]
        middle = MARGIN + round(share * (right - MARGIN)) - label.shape[1] // 2
        left = min(middle, _WIDTH - label.shape[1])
        canvas[_HEIGHT + 3 : _HEIGHT + 3 + len(label), left : left + label.shape[1]] = label
    for values, colour in zip(curves.values(), COLOURS, strict=False):
        # A stroke goes through the middles of intervals; these values are at the ends of theirs.
        at = np.linspace(0, len(values) - 1, area.shape[1])
        strokes.laid(area, np.interp(at, np.arange(len(values)), values), 0.0, 1.0, colour)
    canvas[:_HEIGHT, MARGIN - 1] = canvas[_HEIGHT, MARGIN:right] = sheets.FRAME
    return canvas


def _legend(names: list[str]) -> Picture:
    rows = []
    for name, colour in zip(names, COLOURS, strict=False):
        label = sheets.line_of(name, sheets.INK)
        row = np.full((len(label), _WIDTH, 3), 255, np.uint8)
        row[len(label) // 2 - 1 : len(label) // 2 + 1, MARGIN : MARGIN + _SAMPLE] = colour
        row[:, MARGIN + _SAMPLE + sheets.GAP :][:, : label.shape[1]] = label
        rows.append(row)
    return sheets.below(rows)
