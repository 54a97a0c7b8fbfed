"""Inputs that were made to excite a filter or a class, as a picture."""

from collections.abc import Sequence

from trainer.tensorboard.draw import sample, sheets
from trainer.tensorboard.draw.scale import IMAGES, Scale
from trainer.tensorboard.draw.sheets import Array, Picture

_SIDE, _IN_ROW = {1: 338, 2: 108, 3: 160}, {1: 1, 2: 3, 3: 2}  # pixels of an input, and inputs in a row, by rank


def visualised(inputs: Array, captions: Sequence[str], title: str, scale: Scale = IMAGES) -> Picture:
    """Returns inputs, each under its caption.

    Args:
      inputs: `(count, *spatial, channels)`.
      captions: one for each.
      title: above them all.
      scale: of the samples.
    """
    rank = inputs.ndim - 2
    pictures = [sample.picture(one, _SIDE[rank], scale) for one in inputs]
    return sheets.titled(sheets.grid(pictures, captions, columns=_IN_ROW[rank]), title)
