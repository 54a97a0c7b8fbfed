"""A survey of every pixel of an image before training."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer.data.kinds.coarse import COARSE, coarse, packed
from trainer.data.kinds.image.decode import decode
from trainer.data.kinds.image.header import Header
from trainer.data.kinds.kind import Description

_CHECKED = (8, 8)  # the size that pixels are brought to which nobody looks at
_SIDE = 64  # of the images whose colours are counted; at 32, a JPEG decoded at a quarter is unlike its copy as PNG


def check(content: bytes, channels: int | None = None) -> None:
    """Decodes an image file.

    Args:
      content: the whole file.
      channels: 1 for grey, 3 or None for colour.

    Raises:
      ValueError: its header is not supported.
      tf.errors.OpError: it cannot be decoded.
    """
    Header.read(content)
    _decoder(channels or 3)(tf.constant(content))


def describe(content: bytes) -> Description:
    """Returns an image's header and its colours.

    Returns:
      `format`, `height` and `width` in pixels, `is_grey`; `mean` and `square`, the mean and the mean square of red,
      green and blue over 64x64 pixels; `coarse`, see `trainer.data.kinds.coarse`.

    Raises:
      ValueError, tf.errors.OpError: as `check`.
    """
    header = Header.read(content)
    moments, pixels = _looked()(tf.constant(content))
    mean, square = moments.numpy().tolist()
    found = {**dataclasses.asdict(header), "mean": mean, "square": square}
    return {**found, COARSE: packed(coarse(pixels.numpy()[np.newaxis])[0])}


def summarize(descriptions: Sequence[Description]) -> Description:
    """Returns statistics of the formats, sizes and colours of images."""
    mean = np.mean([one["mean"] for one in descriptions], 0)
    square = np.mean([one["square"] for one in descriptions], 0)
    formats = [one["format"] for one in descriptions]
    return {
        "formats": {name: formats.count(name) for name in sorted({*formats})},
        "grey": sum(one["is_grey"] for one in descriptions),
        "height": _spread(np.array([one["height"] for one in descriptions])),
        "width": _spread(np.array([one["width"] for one in descriptions])),
        "mean": [round(float(value), 2) for value in mean],
        "deviation": [round(float(value), 2) for value in np.sqrt(np.maximum(square - mean**2, 0))],
    }


def _spread(values: npt.NDArray[Any]) -> dict[str, int]:
    return {"smallest": int(values.min()), "median": int(np.median(values)), "largest": int(values.max())}


@functools.cache
def _decoder(channels: int) -> Callable[[tf.Tensor], tf.Tensor]:
    return _as_graph(lambda encoded: decode(encoded, _CHECKED, channels))


@functools.cache
def _looked() -> Callable[[tf.Tensor], tf.Tensor]:
    def look(encoded: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        pixels = tf.cast(decode(encoded, (_SIDE, _SIDE), 3), tf.float32)
        return tf.stack([tf.reduce_mean(pixels, (0, 1)), tf.reduce_mean(tf.square(pixels), (0, 1))]), pixels

    return _as_graph(look)


def _as_graph(look: Callable[[tf.Tensor], tf.Tensor]) -> Callable[[tf.Tensor], tf.Tensor]:
    graph: Callable[[tf.Tensor], tf.Tensor] = tf.function(
        look, input_signature=[tf.TensorSpec((), tf.string)], autograph=False
    )
    return graph
