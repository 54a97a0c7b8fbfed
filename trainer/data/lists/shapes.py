"""What the samples of an array are, by their shape: signals, images or volumes.

An array has `(count, *spatial)` or, with its channels as the last axis, `(count, *spatial, channels)`.

| shape of a sample | rank |
|---|---|
| (length,) | 1 |
| (length, 1) | 1 |
| (a, b), unsigned bytes, both sides at least 8 | 2 |
| (a, b) otherwise | 1 with b channels, or 2: `--rank` says which |
| (height, width, 1, 3 or 4), both sides at least 8 | 2; `--rank=3` reads it as a volume |
| (a, b, c), all sides at least 8 | 3 |
| (a, b, c) otherwise, as where the channels are first | `--rank` says which |
| (depth, height, width, channels), at most 4 channels, or 16 where no axis is shorter | 3 |
"""

import dataclasses
from typing import Any

import numpy as np

from trainer.errors import UsageError

NOUNS = {1: "signal", 2: "image", 3: "volume"}

_LEAST_SIDE = 8  # of an image, as the least of the digits of scikit-learn; a shorter axis may be channels
_IMAGE_CHANNELS = (1, 3, 4)
_MOST_CHANNELS = 16  # of a volume: a longer last axis is another one, as where the channels are the first
_POSITIONS = {1: "positions", 2: "pixels", 3: "voxels"}


@dataclasses.dataclass(frozen=True)
class Reading:
    """One way to read samples.

    Attributes:
      rank: the number of spatial axes.
      sizes: of these axes.
      channels: 1 where no axis has them.
    """

    rank: int
    sizes: tuple[int, ...]
    channels: int

    def __str__(self) -> str:
        sizes = f"{NOUNS[self.rank]}s of {times(self.sizes)} {_POSITIONS[self.rank]}"
        return f"{sizes} with {self.channels} channels" if self.channels > 1 else sizes


def reading(shape: tuple[int, ...], dtype: np.dtype[Any], asked: int, name: str) -> tuple[Reading, Reading | None]:
    """Returns how samples are read, and the other way where that is possible too and nothing was asked.

    Args:
      shape: of one sample.
      dtype: of its values.
      asked: `--rank`; 0 where the shape is to say it.
      name: of the array, for messages: its file and its own.

    Raises:
      UsageError: it can be read in no way, in two, or not in the one that is asked for.
    """
    possible = _possible(shape)
    if not possible:
        raise UsageError(
            f"{name} must have samples of 1 to 4 axes; a fourth is for at most {_MOST_CHANNELS} channels. "
            f"Received: samples of {times(shape) or 'no axis'}"
        )
    ways = ", ".join(f"{rank} for {way}" for rank, way in possible.items())
    if asked and asked not in possible:
        raise UsageError(f"`--rank` must be {ways}, as {name} has samples of {times(shape)}. Received: {asked}")
    rank = asked or _likely(shape, dtype)
    if not rank:
        last = "" if 2 in possible else "; channels are the last axis, and an image has 1, 3 or 4"
        raise UsageError(
            f"`--rank` must say what the samples of {times(shape)} in {name} are: {ways}{last}. Received: no --rank"
        )
    is_open = not asked and len(shape) == 3 and rank == 2 and shape[-1] > 1
    return possible[rank], possible[3] if is_open else None


def times(shape: tuple[int, ...]) -> str:
    """Returns a shape for a person: `28x28`."""
    return "x".join(map(str, shape))


def _possible(shape: tuple[int, ...]) -> dict[int, Reading]:
    """Returns the ways to read samples of a shape, by rank."""
    alone, last = {len(shape): Reading(len(shape), shape, 1)}, shape[-1:]
    with_channels = {len(shape) - 1: Reading(len(shape) - 1, shape[:-1], *last)} if last else {}
    return {
        1: alone,
        2: with_channels | alone,
        3: with_channels | alone if last[0:1] and last[0] in _IMAGE_CHANNELS else alone,
        4: with_channels if last and last[0] <= _MOST_CHANNELS else {},
    }.get(len(shape), {})


def _likely(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    """Returns the rank of samples of a shape; 0 where it may be one or another."""
    rank = len(shape)
    if rank == 2:
        is_image = min(shape) >= _LEAST_SIDE and dtype in (np.uint8, np.bool_)
        rank = 1 if shape[1] == 1 else 2 * is_image
    elif rank == 3:
        is_image, is_volume = shape[2] in _IMAGE_CHANNELS, shape[2] >= _LEAST_SIDE
        rank = (2 * is_image or 3 * is_volume) if min(shape[:2]) >= _LEAST_SIDE else 0
    elif rank == 4:
        rank = 3 if shape[3] <= max(4, min(shape[:3])) else 0
    return rank
