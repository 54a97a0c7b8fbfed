"""The weights of a dense layer that takes the sample itself, as one picture a unit."""

from collections.abc import Sequence

import numpy as np

from trainer.tensorboard.draw import sample, sheets
from trainer.tensorboard.draw.sheets import Array, Picture

_SIDE = 84  # pixels; four in a row are as wide as TensorBoard shows pictures by default
_MOST = 64
_SHARE = 99.5  # per cent of the weights that are within the colours; one large one would leave the others pale


def templates(weights: Array, captions: Sequence[str], layer: str) -> Picture:
    """Returns the weights of each unit at their places in the sample.

    All units share one scale about zero. Of three channels they are colours about grey; of any other number their sum
    over the channels is drawn, from blue to red.

    Args:
      weights: `(*spatial, channels, units)`.
      captions: the units' names, such as the classes of logits.
      layer: its name.
    """
    units, rank = weights.shape[-1], weights.ndim - 2
    shown = np.moveaxis(np.nan_to_num(weights[..., :_MOST].astype(np.float32)), -1, 0)
    is_coloured = rank == 2 and shown.shape[-1] == 3
    if not is_coloured:
        shown = shown.sum(-1)
    limit = float(np.percentile(np.abs(shown), _SHARE)) or float(np.abs(shown).max()) or 1.0
    scaled = np.clip(shown / (2 * limit) + 0.5, 0, 1)
    if is_coloured:
        pictures = list(np.rint(scaled * 255).astype(np.uint8))
    else:
        pictures = list(sheets.coloured(sample.planes(scaled), sheets.DIVERGING))
    few = f"the first {_MOST} of " if units > _MOST else ""
    colours = "each channel from none to full" if is_coloured else "blue to red"
    return sheets.titled(
        sheets.grid([sheets.enlarged(picture, _SIDE) for picture in pictures], captions[: len(pictures)]),
        f"{layer}: the weights of {few}{units} units; {colours} is -{limit:.3g} to {limit:.3g}",
    )
