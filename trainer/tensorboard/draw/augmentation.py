"""What augmentation does to training samples, as a picture."""

import numpy as np

from trainer.tensorboard.draw import sample, sheets
from trainer.tensorboard.draw.sheets import Array, Picture


def augmentation(before: Array, after: Array) -> Picture:
    """Returns training samples in pairs: as they are, and as the network sees them."""
    pairs = [
        np.concatenate([sample.picture(one, 84) for one in pair], axis=1) for pair in zip(before, after, strict=True)
    ]
    sheet = sheets.grid(pairs, [""] * len(pairs), columns=2)
    return sheets.titled(sheet, "training images, and beside each what the network sees")
