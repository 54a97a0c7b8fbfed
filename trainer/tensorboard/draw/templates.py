"""The weights of a dense layer on the sample itself, one picture for each unit."""

from collections.abc import Sequence

import numpy as np

from trainer.tensorboard.draw import sample, sheets
from trainer.tensorboard.draw.scale import IMAGES, Scale
from trainer.tensorboard.draw.sheets import Array, Picture
from trainer.tensorboard.draw.slices import most_active

_MOST = 64
_SHARE = 99.5  # per cent of the weights that are within the colours; one large one would leave the others pale


def templates(weights: Array, captions: Sequence[str], layer: str, scale: Scale = IMAGES) -> Picture:
    """Returns the weights of each unit at their positions in the sample.

    All units share one scale about zero. Over a signal they are lines, one for each channel. Of an image of three
    channels they are colours about grey; of any other number their sum over the channels is drawn, from blue to red.
    The slices of a volume go through the position with the largest weights of all units.

    Args:
      weights: `(*spatial, channels, units)`.
      captions: the units' names, such as the classes of logits.
      layer: its name.
      scale: of the samples.
    """
    units, rank = weights.shape[-1], weights.ndim - 2
    side, columns = sample.TILE[rank], sample.IN_ROW[rank]
    shown = np.moveaxis(np.nan_to_num(weights[..., :_MOST].astype(np.float32)), -1, 0)
    is_coloured = rank == 2 and shown.shape[-1] == 3
    if not is_coloured and rank > 1:
        shown = shown.sum(-1)
    limit = float(np.percentile(np.abs(shown), _SHARE)) or float(np.abs(shown).max()) or 1.0
    if is_coloured:
        scaled = np.clip(shown / (2 * limit) + 0.5, 0, 1)
        pictures = [sheets.enlarged(one, side) for one in np.rint(scaled * 255).astype(np.uint8)]
    elif rank == 1:
        pictures = [sample.picture(one, side, scale, limits=(-limit, limit)) for one in shown]
    else:
        at = most_active(np.abs(shown).sum(0))
        scaled = np.clip(shown / (2 * limit) + 0.5, 0, 1)
        pictures = [sample.values(one, side, (0.0, 1.0), sheets.DIVERGING, scale, at=at) for one in scaled]
    few = f"the first {_MOST} of " if units > _MOST else ""
    colours = {1: "bottom to top"}.get(rank, "each channel from none to full" if is_coloured else "blue to red")
    return sheets.titled(
        sheets.grid(pictures, captions[: len(pictures)], columns=columns),
        f"{layer}: the weights of {few}{units} units; {colours} is -{limit:.3g} to {limit:.3g}",
    )
