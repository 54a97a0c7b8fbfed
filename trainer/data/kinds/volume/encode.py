"""A volume as a file, and as a record for other programs."""

import io
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from trainer.data.kinds.kind import Description


def encode(volume: npt.NDArray[np.uint8]) -> bytes:
    """Returns a volume, `(depth, height, width, channels)`, as an `.npy` file."""
    content = io.BytesIO()
    np.save(content, volume)
    return content.getvalue()


def features(description: Description) -> Mapping[str, int | str]:
    """Returns the fields of a `tf.train.Example` that only a volume has, in addition to its content and its class."""
    depth, height, width = description["sizes"]
    return {
        "volume/format": str(description["format"]).lower(),
        "volume/depth": int(depth),
        "volume/height": int(height),
        "volume/width": int(width),
        "volume/channels": int(description["channels"]),
    }
