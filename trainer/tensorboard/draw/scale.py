"""The scale of samples: their noun, the range of their values, the distance between their positions."""

import dataclasses
import math
import re
from collections.abc import Sequence

import numpy as np

from trainer.tensorboard.draw.sheets import Array

_SHARES = (1, 99)  # per cent of a sample's values below what is drawn black, and below what is drawn white
_NEARLY = 0.02  # of the difference between bounds
_MOST_VALUES = 100_000  # that these are taken of
_DIGITS, _MOST_DIGITS = 4, 9
_FACTORS = (
    1,
    2,
    5,
    10,
    20,
    50,
    4,
    3,
    40,
    25,
    30,
)  # of a power of ten: steps of an axis, as they are tried
_PAIR = 2  # numbers, without which an axis has no scale

Limits = tuple[float, float]


@dataclasses.dataclass(frozen=True)
class Scale:
    """What drawing samples needs besides their values; the default is for images with 8 bits per channel.

    Attributes:
      noun: the name of a sample: image, signal or volume.
      low: the least possible value; minus infinity if there is none.
      high: the greatest possible value, or infinity.
      spread: the standard deviation of each channel over the training samples; empty if unknown.
      spacing: the distance between neighbouring positions along each axis; empty if unknown.
      unit: the unit of the spacing: s or mm.
    """

    noun: str = "image"
    low: float = 0.0
    high: float = 255.0
    spread: tuple[float, ...] = ()
    spacing: tuple[float, ...] = ()
    unit: str = ""

    def extent(self, channel: int) -> float:
        """Returns the smallest range of an axis: values of a channel within it are drawn as nearly equal."""
        if self.spread:
            return self.spread[channel]
        return _NEARLY * (self.high - self.low) if math.isfinite(self.high - self.low) else 0.0

    def limits(self, sample: Array) -> Limits:
        """Returns the values of black and white: the bounds, or without them the sample's 1st and 99th percentile.

        A sample whose values are almost all equal has these percentiles equal; its least and greatest are taken then.
        """
        if math.isfinite(self.low) and math.isfinite(self.high):
            return self.low, self.high
        values = np.asarray(sample, np.float32).ravel()
        values = values[:: -(-len(values) // _MOST_VALUES)] if len(values) else values
        values = values[np.isfinite(values)]
        if not len(values):
            return 0.0, 1.0
        low, high = (float(value) for value in np.percentile(values, _SHARES))
        return (low, high) if low < high else (float(values.min()), float(values.max()))


IMAGES = Scale()


def as_bytes(values: Array, limits: Limits) -> Array:
    """Returns values as float32 from 0, the lower limit, to 255; NaN becomes 0."""
    low, high = limits
    scaled = np.asarray(values, np.float32)
    if limits != (0.0, 255.0):
        scaled = (scaled - np.float32(low)) * np.float32(255 / ((high - low) or 1.0))
    return np.clip(np.nan_to_num(scaled), 0, 255)


def ticks(low: float, high: float, most: int) -> list[float]:
    """Returns at most so many round numbers from low to high: multiples of 1, 2 or 5 times a power of ten.

    If only one would be left, they are multiples of 4, 3 or 2.5 times a power of ten.
    """
    width = high - low
    if not (math.isfinite(width) and width > 0):
        return []
    power = 10.0 ** math.floor(math.log10(width / most))
    found: list[float] = []
    for factor in _FACTORS:
        step = factor * power
        first, last = math.ceil(low / step - 1e-6), math.floor(high / step + 1e-6)
        if last - first < most and not (found and last <= first):
            found = [float(f"{index * step:.12g}") + 0.0 for index in range(first, last + 1)]
            if len(found) > 1 or most < _PAIR:
                break
    return found


def labels(values: Sequence[float]) -> list[str]:
    """Returns different numbers as texts: in five digits, or in more if they would be equal."""
    for digits in range(_DIGITS + 1, _MOST_DIGITS):
        texts = [number(value, digits) for value in values]
        if len(set(texts)) == len(texts):
            return texts
    return [number(value, _MOST_DIGITS) for value in values]


def number(value: float, digits: int = _DIGITS) -> str:
    """Returns a number in few characters."""
    return re.sub(r"e\+?(-?)0*", r"e\1", f"{value + 0.0:.{digits}g}")
