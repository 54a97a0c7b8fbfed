"""Pictures of correct and wrong predictions."""

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from trainer.tensorboard.draw import sample, sheets, text
from trainer.tensorboard.draw.scale import IMAGES, Scale
from trainer.tensorboard.draw.sheets import Array, Picture
from trainer.tensorboard.draw.slices import Place

_MOST_NUMBERED = 30  # classes: cells are large enough for numbers and names
_CELL, _LARGEST = 30, 60  # pixels, where there are numbers: at least, and of few classes
_WIDTH = 800  # pixels of a matrix without numbers
_NAME = 160  # pixels of a class's name, at most
_RIGHT = (33, 102, 172)


def confusion_matrix(counts: Array, classes: Sequence[str]) -> Picture:
    """Returns the confusion matrix: a row for each true class, shaded by the row's shares.

    Args:
      counts: `(true, predicted)`.
      classes: their names.
    """
    count, has_numbers = len(classes), len(classes) <= _MOST_NUMBERED
    names = [text.cut(name, _NAME) for name in classes] if has_numbers else []
    margin = (max(map(text.width, names)) + 2 * sheets.GAP) if has_numbers else sheets.GAP
    room = (sheets.SHOWN - margin - sheets.GAP) // count
    cell = min(max(_CELL, room), _LARGEST) if has_numbers else max(4, _WIDTH // count)
    is_upright = any(text.width(name) > cell - 2 for name in names)  # above the columns
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    side = margin + count * cell + sheets.GAP
    canvas = Image.new("RGB", (side, side), sheets.PAPER)
    draw = ImageDraw.Draw(canvas)
    for true, predicted in np.ndindex(count, count):
        share, is_right = float(shares[true, predicted]), true == predicted
        weight = share if is_right else math.sqrt(share)  # a mistake of 3 % is visible too
        colour = tuple(round(255 + (part - 255) * weight) for part in (_RIGHT if is_right else sheets.MARK))
        x, y = margin + predicted * cell, margin + true * cell
        draw.rectangle((x, y, x + cell - 2, y + cell - 2), fill=colour)
        if has_numbers and counts[true, predicted]:
            ink = sheets.PAPER if weight > 0.6 else sheets.INK
            sheets.centred(draw, (x + cell / 2, y + cell / 2), f"{int(counts[true, predicted])}", ink)
    for index, name in enumerate(names):
        middle = margin + (index + 0.5) * cell
        sheets.centred(draw, (margin - sheets.GAP - text.width(name) / 2, middle), name, sheets.INK)
        if is_upright:
            line = Image.fromarray(sheets.line_of(name, sheets.INK)).rotate(90, expand=True)
            canvas.paste(line, (round(middle - line.width / 2), margin - sheets.GAP - line.height))
        else:
            sheets.centred(draw, (middle, margin / 2), name, sheets.INK)
    right = int(np.trace(counts))
    return sheets.titled(
        np.asarray(canvas), f"rows: true, columns: predicted; {right} of {int(counts.sum())} correct, in blue"
    )


def mistakes(
    samples: Array, captions: Sequence[str], title: str, scale: Scale = IMAGES, places: Sequence[Place] = ()
) -> Picture:
    """Returns samples, each under its caption.

    Args:
      samples: `(count, *spatial, channels)`.
      captions: one for each.
      title: above them all.
      scale: of the samples.
      places: the position of the slices of each volume; the middle if there are none.
    """
    rank = samples.ndim - 2
    at: Sequence[Place | None] = places or [None] * len(samples)
    side = sample.MISTAKEN[rank]
    pictures = [sample.picture(one, side, scale, at=place) for one, place in zip(samples, at, strict=True)]
    how = ", cut through the most important position" if places else ""
    return sheets.titled(sheets.grid(pictures, captions, columns=sample.MISTAKEN_IN_ROW[rank]), title + how)


def sprite(samples: Array, side: int = 32, scale: Scale = IMAGES) -> Picture:
    """Returns samples in rows of a square without gaps, each `side` pixels high and wide, for the projector."""
    columns = math.ceil(math.sqrt(len(samples)))
    sheet = np.full((columns * side, columns * side, 3), 255, np.uint8)
    for index, one in enumerate(samples):
        y, x = divmod(index, columns)
        sheet[y * side : (y + 1) * side, x * side : (x + 1) * side] = sample.thumbnail(one, side, scale)
    return sheet
