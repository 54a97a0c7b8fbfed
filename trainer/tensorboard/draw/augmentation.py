"""A picture of augmented training samples."""

from trainer.tensorboard.draw import sample, sheets
from trainer.tensorboard.draw.scale import IMAGES, Scale
from trainer.tensorboard.draw.sheets import Array, Picture


def augmentation(before: Array, after: Array, scale: Scale = IMAGES) -> Picture:
    """Returns training samples in pairs: as they are, and as the network sees them.

    Args:
      before: `(count, *spatial, channels)`.
      after: of the same shape.
      scale: of the samples.
    """
    rank = before.ndim - 2
    pairs = [sample.pair(*both, sample.PAIRED[rank], scale) for both in zip(before, after, strict=True)]
    sheet = sheets.grid(pairs, [""] * len(pairs), columns=sample.PAIRS_IN_ROW[rank])
    return sheets.titled(sheet, f"left: training {scale.noun}s; right: as the network sees them")
