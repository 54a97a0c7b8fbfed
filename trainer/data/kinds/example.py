"""One sample as a file that a trained model can classify."""

import io
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer.data.kinds.image.kind import IMAGE
from trainer.data.kinds.kind import Kind

_PNG_CHANNELS = (1, 3)


def example(sample: npt.NDArray[Any], kind: Kind[Any]) -> tuple[str, bytes]:
    """Returns a file's suffix and content for a sample, `(*spatial, channels)`: PNG for pixels, otherwise `.npy`."""
    if kind is IMAGE and sample.dtype == np.uint8 and sample.shape[-1] in _PNG_CHANNELS:
        return ".png", IMAGE.encode(sample)
    content = io.BytesIO()
    np.save(content, sample, allow_pickle=False)
    return ".npy", content.getvalue()
