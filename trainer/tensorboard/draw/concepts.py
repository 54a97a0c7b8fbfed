"""Concepts over samples as a picture."""

from collections.abc import Sequence

import numpy as np

from trainer.tensorboard.draw import curves, sample, sheets
from trainer.tensorboard.draw.scale import IMAGES, Scale
from trainer.tensorboard.draw.sheets import Array, Picture

_SIDE, _IN_ROW = {1: 338, 2: 104, 3: 160}, {1: 1, 2: 3, 3: 2}  # pixels of a sample, and samples in a row, by rank
_FAINTEST = 0.1  # amounts below it have no colour


def concepts(
    samples: Array, maps: Array, captions: Sequence[str], *, names: Sequence[str], title: str, scale: Scale = IMAGES
) -> Picture:
    """Returns samples under the colour of the concept that is strongest at each position, and what the colours are.

    A concept has one colour in all samples; the more of it is at a position, the more opaque.

    Args:
      samples: `(count, *spatial, channels)`.
      maps: how much of each concept is at each position, 0 to 1, `(count, *spatial, concepts)`.
      captions: of the samples.
      names: of the concepts, at most eight.
      title: above it all.
      scale: of the samples.
    """
    rank = samples.ndim - 2
    inks = np.array(curves.COLOURS[: maps.shape[-1]], np.uint8)
    drawn = []
    for seen, amounts in zip(samples, maps, strict=True):
        most = amounts.max(-1, keepdims=True)
        opacity = np.where(most < _FAINTEST, 0.0, np.clip(most, 0, 1) * 0.75)
        drawn.append(sample.tinted(seen, inks[amounts.argmax(-1)], opacity, _SIDE[rank], scale))
    keys = [_key(name, tuple(ink)) for name, ink in zip(names, inks.tolist(), strict=True)]
    return sheets.titled(sheets.below([*keys, sheets.grid(drawn, captions, columns=_IN_ROW[rank])]), title)


def _key(name: str, ink: sheets.Colour) -> Picture:
    """Returns a square of a colour and what it means."""
    label = sheets.line_of(name, sheets.INK)
    square = np.full((len(label), sheets.FONT + 2 * sheets.GAP, 3), 255, np.uint8)
    square[3:-3, sheets.GAP : -sheets.GAP] = ink
    return np.concatenate([square, label], 1)
