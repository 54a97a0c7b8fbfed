"""An image as a file, and as a record for other programs."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer.data.kinds.kind import Description


def encode(image: npt.NDArray[np.uint8]) -> bytes:
    """Returns an image, `(height, width, channels)`, as a PNG file."""
    content: bytes = tf.io.encode_png(image).numpy()
    return content


def features(description: Description) -> Mapping[str, int | str]:
    """Returns the fields of a `tf.train.Example` that only an image has, in addition to its content and its class."""
    return {
        "image/format": str(description["format"]).lower(),
        "image/height": int(description["height"]),
        "image/width": int(description["width"]),
    }
