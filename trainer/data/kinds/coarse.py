"""A sample in coarse form, to find near-duplicates: copies of another size, format, compression or brightness."""

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

COARSE = "coarse"  # of a described sample: its vector, as `packed` returns it

Vectors = npt.NDArray[np.float32]

_CELLS = {1: 64, 2: 16, 3: 8}  # along each axis, by rank
# Of red, green and blue, as JPEG has it (ITU-R BT.601). It keeps less of the colours, so that their mean would change.
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_ROUNDING = 1e-5  # length of a vector of values of at most 1 that differ by rounding alone
_CHUNK = 2**22  # values that are converted together


def coarse(samples: npt.NDArray[Any]) -> Vectors:
    """Returns samples as vectors of length 1, `(count, values)`: means over cells, less their mean.

    So neither brightness nor contrast matters. A sample that is the same everywhere becomes zeros.

    Args:
      samples: `(count, *spatial, channels)`; of red, green and blue the luma is taken, of other channels the mean.
    """
    each = max(1, _CHUNK // max(1, int(np.prod(samples.shape[1:]))))
    chunks = [_coarse(samples[first : first + each]) for first in range(0, len(samples), each)]
    return np.concatenate(chunks) if chunks else np.zeros((0, 1), np.float32)


def packed(vector: Vectors) -> str:
    """Returns one vector as text, in 8 bits a value."""
    largest = float(np.abs(vector).max())
    return base64.b64encode(np.rint(vector * (127 / largest if largest else 0.0)).astype(np.int8).tobytes()).decode()


def unpacked(texts: Sequence[str]) -> list[Vectors]:
    """Returns the vectors of texts that `packed` made, each `(values,)`."""
    vectors = [np.frombuffer(base64.b64decode(text), np.int8).astype(np.float32) for text in texts]
    return [vector / max(1e-6, float(np.linalg.norm(vector))) for vector in vectors]


def _coarse(samples: npt.NDArray[Any]) -> Vectors:
    rank, channels = samples.ndim - 2, samples.shape[-1]
    values = _at_most_1(samples)
    values = values[..., 0] if channels == 1 else values @ (_LUMA if (rank, channels) == (2, 3) else _mean(channels))
    for axis in range(1, rank + 1):
        cells = _averaging(values.shape[axis], min(_CELLS[rank], values.shape[axis]))
        values = np.moveaxis(np.tensordot(values, cells, axes=(axis, 1)), -1, axis)
    flat = values.reshape(len(values), -1)
    flat = flat - flat.mean(1, keepdims=True)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    return np.where(length > _ROUNDING, flat / np.maximum(length, 1e-30), 0).astype(np.float32)


def _at_most_1(samples: npt.NDArray[Any]) -> Vectors:
    """Returns samples scaled to values of at most 1, so that no sum overflows, with 0 in place of NaN."""
    if samples.dtype == np.uint8:
        return np.asarray(np.multiply(samples, 1 / 255, dtype=np.float32))
    values = np.nan_to_num(samples.astype(np.float32))
    axes = tuple(range(1, values.ndim))
    return np.asarray(values / np.maximum(np.abs(values).max(axes, keepdims=True), 1e-30), np.float32)


def _mean(channels: int) -> Vectors:
    return np.full(channels, 1 / channels, np.float32)


def _averaging(size: int, cells: int) -> Vectors:
    """Returns the matrix, `(cells, size)`, of the means over cells of equal width, which may divide positions."""
    edges = np.linspace(0, size, cells + 1)[:, np.newaxis]
    within = np.clip(edges - np.arange(size), 0, 1)  # how much of each position is before each edge
    return np.asarray(np.diff(within, axis=0) * (cells / size), np.float32)
