"""A survey of every voxel of a volume before training."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer.data.kinds.coarse import COARSE, coarse, packed
from trainer.data.kinds.kind import Description
from trainer.data.kinds.volume.decode import volume
from trainer.data.kinds.volume.header import Header

_AXES = ("depth", "height", "width")


def check(content: bytes, channels: int | None = None) -> None:
    """Decodes a file.

    Args:
      content: the whole file.
      channels: that it is brought to; None is as many as it has.

    Raises:
      ValueError: it cannot be read.
    """
    volume(content, channels)


def describe(content: bytes) -> Description:
    """Returns a volume's header and its values.

    Returns:
      `format`, `sizes`, `channels`, `is_bytes`, `spacing` and `orientation` as `Header` has them; `mean` and `square`,
      the mean and the mean square of all values, of frames over 32 x 32 pixels; `minimum` and `maximum`; `coarse`,
      see `trainer.data.kinds.coarse`.

    Raises:
      ValueError: it cannot be read.
    """
    header = Header.read(content)
    values = volume(content, header.channels)
    minimum, maximum = float(values.min()), float(values.max())
    mean, square = float(values.mean(dtype=np.float64)), float(np.square(values, dtype=np.float64).mean())
    found = {
        name: [*value] if isinstance(value, tuple) else value for name, value in dataclasses.asdict(header).items()
    }
    vector = packed(coarse(values[np.newaxis])[0])
    return found | {"mean": mean, "square": square, "minimum": minimum, "maximum": maximum, COARSE: vector}


def summarize(descriptions: Sequence[Description]) -> Description:
    """Returns statistics of the formats, sizes, spacings and values of volumes."""
    mean = np.mean([one["mean"] for one in descriptions])
    square = np.mean([one["square"] for one in descriptions])
    spacings = np.array([one["spacing"] for one in descriptions if one["spacing"]]).reshape(-1, 3)
    sizes = np.array([one["sizes"] for one in descriptions])
    return {
        "formats": _counts([one["format"] for one in descriptions]),
        "channels": _counts([str(one["channels"]) for one in descriptions]),
        **{name: _spread(sizes[:, axis]) for axis, name in enumerate(_AXES)},
        "orientations": _counts([one["orientation"] for one in descriptions if one["orientation"]]),
        "spacing": [_spread(spacings[:, axis]) for axis in range(3)] if len(spacings) else [],
        "minimum": min(one["minimum"] for one in descriptions),
        "maximum": max(one["maximum"] for one in descriptions),
        "mean": float(f"{mean:.6g}"),
        "deviation": float(f"{np.sqrt(max(square - mean**2, 0)):.6g}"),
    }


def _counts(names: Sequence[str]) -> dict[str, int]:
    return {name: names.count(name) for name in sorted({*names})}


def _spread(values: npt.NDArray[Any]) -> dict[str, float]:
    return {
        name: float(f"{value:.6g}") if values.dtype.kind == "f" else int(value)
        for name, value in (("smallest", values.min()), ("median", np.median(values)), ("largest", values.max()))
    }
