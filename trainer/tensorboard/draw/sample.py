"""One sample, and values over it, as a picture. The other drawing modules ask this one, and assume no rank."""

import numpy as np
from PIL import Image

from trainer.tensorboard.draw import sheets
from trainer.tensorboard.draw.sheets import Array, Picture


def picture(sample: Array, side: int) -> Picture:
    """Returns a sample, an image `(height, width, channels)` from 0 to 255, about `side` pixels long."""
    return sheets.enlarged(_as_colours(sample), side)


def tinted(sample: Array, colours: Picture, opacity: Array, side: int) -> Picture:
    """Returns a sample, faint and in grey, under colours, about `side` pixels long.

    Args:
      sample: an image `(height, width, channels)` from 0 to 255.
      colours: `(height, width, 3)`, one for each position.
      opacity: of each, 0 to 1, `(height, width, 1)`.
      side: the pixels of the longer side.
    """
    faint = np.repeat(sample.astype(np.float32).mean(-1, keepdims=True), 3, -1)
    mixed = (1 - opacity) * (0.5 * faint + 64) + opacity * colours
    return sheets.enlarged(mixed.astype(np.uint8), side)


def thumbnail(sample: Array, side: int) -> Picture:
    """Returns a sample as a square of `side` pixels."""
    return np.asarray(Image.fromarray(_as_colours(sample)).resize((side, side)))


def planes(values: Array) -> Array:
    """Returns `(count, *spatial)` as `(count, height, width)`: one axis is a row; of three, slices are side by side."""
    if values.ndim == 2:
        return values[:, None]
    if values.ndim == 3:
        return values
    slices = np.pad(values, ((0, 0), (0, 0), (0, 0), (0, 1)), constant_values=np.nan)
    return np.concatenate([slices[:, index] for index in range(slices.shape[1])], 2)[..., :-1]


def _as_colours(image: Array) -> Picture:
    """Returns `(height, width, channels)` from 0 to 255 as colours: three channels as they are, else their mean."""
    pixels = np.clip(np.nan_to_num(image.astype(np.float32)), 0, 255)
    three = pixels if image.shape[-1] == 3 else np.repeat(pixels.mean(-1, keepdims=True), 3, -1)
    return np.rint(three).astype(np.uint8)
