"""A signal as a file."""

import io
import wave

import numpy as np
import numpy.typing as npt

_RATE = 8000


def encode(signal: npt.NDArray[np.uint8]) -> bytes:
    """Returns a signal, `(length, channels)`, as a WAVE file of 8 bits and 8,000 Hz."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setparams((signal.shape[1], 1, _RATE, 0, "NONE", ""))
        file.writeframes(np.ascontiguousarray(signal).tobytes())
    return content.getvalue()
