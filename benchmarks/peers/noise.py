"""Samples of noise, as files: `.npz` of arrays, and WAV files in class folders."""

import wave
from pathlib import Path

import numpy as np

from benchmarks.peers.setting import SEED

CLASSES = 4
RATE = 8000  # frames a second
_EIGHTH = 8  # one of this many samples is for validation and one for the test


def write_arrays(path: Path, shape: tuple[int, ...], count: int, dtype: type = np.float32) -> None:
    """Writes an `.npz` file in Keras's format: the training samples, and an eighth as many in each other split.

    Args:
      path: the file.
      shape: the shape of a sample, `(*sizes, channels)`.
      count: the number of training samples.
      dtype: the type of the samples: float32 with mean 0 and standard deviation 1, or uint8.
    """
    generator = np.random.default_rng(SEED)
    arrays = {}
    for part, samples in (("train", count), ("val", max(CLASSES, count // _EIGHTH)), ("test", CLASSES)):
        whole = (samples, *shape)
        values = generator.integers(0, 256, whole, np.uint8) if dtype == np.uint8 else generator.normal(size=whole)
        arrays |= {f"x_{part}": values.astype(dtype), f"y_{part}": np.arange(samples) % CLASSES}
    np.savez(path, **arrays)


def write_waves(root: Path, count: int, frames: int) -> None:
    """Writes 16-bit WAV files, an eighth of them to the validation split and an eighth to the test split."""
    generator = np.random.default_rng(SEED)
    for index in range(count):
        part = {0: "validation", 1: "test"}.get(index // CLASSES % _EIGHTH, "train")
        folder = root / part / f"kind {index % CLASSES}"
        folder.mkdir(parents=True, exist_ok=True)
        with wave.open(str(folder / f"{index:07}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(generator.integers(-(2**15), 2**15, frames, np.int16).tobytes())
