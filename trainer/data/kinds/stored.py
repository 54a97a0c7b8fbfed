"""The meaning of numbers in arrays: one rule for `.npz` and `.npy` files, in training and prediction."""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

LEFT_OUT = "the alpha channel of images is ignored"

_IMAGE = 2  # a rank
_COLOURS = 3  # channels of an image without its transparency


def is_transparent(shape: tuple[int, ...], rank: int) -> bool:
    """Returns whether a sample's shape, `(*spatial)` or `(*spatial, channels)`, is an image's with transparency."""
    return rank == _IMAGE and len(shape) == rank + 1 and shape[rank] == _COLOURS + 1


def plain(array: Array, shape: tuple[int, ...], rank: int) -> Array:
    """Returns samples as they are trained on: images without transparency; truth as 0 and 255, in signals as 0 and 1.

    Args:
      array: one sample or several.
      shape: of a sample.
      rank: the number of its spatial axes.
    """
    if is_transparent(shape, rank):
        array = array[..., :_COLOURS]
    return array * np.uint8(255) if rank > 1 and array.dtype == np.bool_ else array
