"""Converts series to one length, without gaps."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from trainer.data.lists.series_rows import Channels


@dataclasses.dataclass
class Counts:
    """The number of changes to series.

    Attributes:
      series: how many they are.
      padded: how many of them were shorter than the length.
      cut: how many were longer.
      filled: the values that were missing and are interpolated.
      empty: the channels of series that had no value, and are 0.
    """

    series: int = 0
    padded: int = 0
    cut: int = 0
    filled: int = 0
    empty: int = 0

    def lines(self, length: int) -> list[str]:
        """Returns the changes, one line for each kind."""
        lengths = {
            f"shorter than {length:,} positions and padded at the end with their own mean": self.padded,
            f"longer than {length:,} positions and cut (`--length`)": self.cut,
        }
        of = "of a series has" if self.empty == 1 else "of series have"
        gaps = {f"missing value{'s' * (self.filled != 1)} {_are(self.filled)} interpolated": self.filled}
        gaps[f"channel{'s' * (self.empty != 1)} {of} no value and {_are(self.empty)} 0"] = self.empty
        said = ", ".join(f"{count:,} {_are(count)} {what}" for what, count in lengths.items() if count)
        filled = "; ".join(f"{count:,} {what}" for what, count in gaps.items() if count)
        return [line for line in (f"of {self.series:,} series, {said}" if said else "", filled) if line]


def longest(series: Sequence[Channels]) -> int:
    """Returns how many positions the longest of some series has, at least 1."""
    return max((len(channel) for channels in series for channel in channels), default=0) or 1


def brought(series: Sequence[Channels], length: int, counts: Counts) -> npt.NDArray[np.float32]:
    """Returns series as one array, `(count, length, channels)`.

    Missing values, NaN, are interpolated between their neighbours; at an end the nearest value is taken. Then each
    channel is padded at its end with its own mean, or is cut.

    Args:
      series: their channels, which may differ in length.
      length: to bring them to.
      counts: is increased by what is done.
    """
    result = np.empty((len(series), length, len(series[0])), np.float32)
    for index, channels in enumerate(series):
        own = max(len(channel) for channel in channels)
        counts.padded += min(map(len, channels)) < length
        counts.cut += own > length
        if isinstance(channels, np.ndarray) and own == length and not np.isnan(channels).any():
            result[index] = channels.T
            continue
        for channel, values in enumerate(channels):
            whole = _filled(values, counts)
            result[index, :own, channel][: len(whole)] = whole[:length]
            result[index, len(whole) :, channel] = whole.mean(dtype=np.float64) if len(whole) else 0.0
    counts.series += len(series)
    return result


def _filled(values: npt.NDArray[np.float32], counts: Counts) -> npt.NDArray[np.float32]:
    missing = np.isnan(values)
    if missing.all():  # or there is none
        counts.empty += 1
        return np.zeros_like(values)
    if missing.any():
        counts.filled += int(missing.sum())
        there = np.flatnonzero(~missing)
        values = values.copy()
        values[missing] = np.interp(np.flatnonzero(missing), there, values[there])
    return values


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
