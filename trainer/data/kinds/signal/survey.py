"""A survey of every value of a signal before training."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer.data.kinds.coarse import COARSE, coarse, packed
from trainer.data.kinds.kind import Description
from trainer.data.kinds.signal.decode import decode_whole
from trainer.data.kinds.signal.header import Header


def check(content: bytes, channels: int | None = None) -> None:
    """Decodes a WAVE file.

    Args:
      content: the whole file.
      channels: to mix it to, which every file can be.

    Raises:
      ValueError: its header is not supported.
      tf.errors.OpError: it cannot be decoded.
    """
    del channels
    describe(content)


def describe(content: bytes) -> Description:
    """Returns a signal's header and its values.

    Returns:
      `format`, `rate` in frames a second, `channels`, `frames`; `mean` and `square`, the mean and the mean square of
      all values; `coarse`, see `trainer.data.kinds.coarse`.

    Raises:
      ValueError, tf.errors.OpError: as `check`.
    """
    header = Header.read(content, len(content))
    moments, values = _looked()(tf.constant(content))
    mean, square = moments.numpy().tolist()
    return {
        "format": header.format,
        "rate": header.rate,
        "channels": header.channels,
        "frames": header.frames,
        "mean": mean,
        "square": square,
        COARSE: packed(coarse(values.numpy()[np.newaxis])[0]),
    }


def summarize(descriptions: Sequence[Description]) -> Description:
    """Returns statistics of the formats, rates, channels and lengths of signals."""
    mean = np.mean([one["mean"] for one in descriptions])
    square = np.mean([one["square"] for one in descriptions])
    seconds = np.array([one["frames"] / one["rate"] for one in descriptions])
    return {
        "formats": _counts([one["format"] for one in descriptions]),
        "rates": _counts([one["rate"] for one in descriptions]),
        "channels": _counts([one["channels"] for one in descriptions]),
        "frames": _spread(np.array([one["frames"] for one in descriptions]), int),
        "seconds": _spread(seconds, lambda value: float(f"{value:.6g}")),
        "mean": float(f"{mean:.4g}"),
        "deviation": float(f"{np.sqrt(max(square - mean**2, 0)):.4g}"),
    }


def features(description: Description) -> Mapping[str, int | str]:
    """Returns the fields of a `tf.train.Example` that only a signal has, in addition to its content and its class."""
    return {
        "signal/format": str(description["format"]),
        "signal/rate": int(description["rate"]),
        "signal/channels": int(description["channels"]),
        "signal/frames": int(description["frames"]),
    }


def _counts(values: Sequence[Any]) -> dict[str, int]:
    return {str(value): values.count(value) for value in sorted({*values})}


def _spread(values: npt.NDArray[Any], shown: Callable[[Any], float]) -> dict[str, float]:
    found = {"smallest": values.min(), "median": np.median(values), "largest": values.max()}
    return {name: shown(value) for name, value in found.items()}


@functools.cache
def _looked() -> Callable[[tf.Tensor], tf.Tensor]:
    def look(encoded: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        values = decode_whole(encoded)
        return tf.stack([tf.reduce_mean(values), tf.reduce_mean(tf.square(values))]), values

    graph: Callable[[tf.Tensor], tf.Tensor] = tf.function(
        look, input_signature=[tf.TensorSpec((), tf.string)], autograph=False
    )
    return graph
