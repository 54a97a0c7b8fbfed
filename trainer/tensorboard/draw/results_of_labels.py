"""The results of several labels: how many samples have each, and how many are given it."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from trainer.tensorboard.draw import sheets, text
from trainer.tensorboard.draw.sheets import Array, Picture

_HALF = 0.5
_MOST = 60  # labels of a picture
_NAME, _WIDTH, _HEIGHT, _NUMBER = 160, 240, 22, 52  # pixels of a name, of a bar, of a row, of a number
_RIGHT, _MISSED = (33, 102, 172), (190, 205, 225)
_WRONG = sheets.MARK


def pictures(targets: Array, probabilities: Array, names: Sequence[str]) -> dict[str, Picture]:
    """Returns the picture of all labels, of at most 60, by its tag.

    Args:
      targets: 0 and 1, `(count, labels)`; at least as many as there are probabilities.
      probabilities: `(count, labels)`.
      names: of the labels.
    """
    true, given = targets[: len(probabilities), :_MOST] > _HALF, probabilities[:, :_MOST] >= _HALF
    counts = np.stack([(true & given).sum(0), (true & ~given).sum(0), (~true & given).sum(0)], 1)
    return {"results/labels": bars(counts, [*names[:_MOST]], len(true))}


def bars(counts: Array, names: Sequence[str], samples: int, limit: str = "a probability of one half") -> Picture:
    """Returns a row for each label with the samples that have it and are given it, have it only, are given it only.

    Args:
      counts: `(labels, 3)`.
      names: of the labels.
      samples: how many there are.
      limit: from which a label is given, in words.
    """
    cut = [text.cut(name, _NAME) for name in names]
    left = max(map(text.width, cut), default=0) + 2 * sheets.GAP
    size = left + _WIDTH + 3 * _NUMBER + sheets.GAP, len(names) * _HEIGHT + sheets.GAP
    canvas = Image.new("RGB", size, sheets.PAPER)
    draw = ImageDraw.Draw(canvas)
    longest = max(1, int(counts.sum(1).max(initial=0)))
    for row, (name, own) in enumerate(zip(cut, counts.tolist(), strict=True)):
        middle, x = (row + 0.5) * _HEIGHT, float(left)
        sheets.centred(draw, (left - sheets.GAP - text.width(name) / 2, middle), name, sheets.INK)
        for count, colour in zip(own, (_RIGHT, _MISSED, _WRONG), strict=True):
            width = count / longest * _WIDTH
            if count:
                draw.rectangle((x, middle - 7, x + max(1, width - 1), middle + 7), fill=colour)
            x += width
        for column, count in enumerate(own):
            sheets.centred(draw, (left + _WIDTH + (column + 0.5) * _NUMBER, middle), f"{count:,}", sheets.INK)
    title = (
        f"of {samples:,} samples: with the label and given it (blue), with it but not given it (pale), "
        f"given it without having it (red), from {limit}"
    )
    return sheets.titled(np.asarray(canvas), title)
