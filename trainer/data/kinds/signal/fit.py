"""The form of signals from files, and arrays of signals converted to it."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer.data.form import Form
from trainer.data.kinds.options import SampleOptions
from trainer.data.kinds.signal.decode import rate_of
from trainer.data.kinds.signal.header import Header

MOST_POSITIONS = 2**17  # of the default length; 8 s at 16,000 Hz, 3 s at 44,100 Hz


def choose_form(headers: Sequence[Header], options: SampleOptions) -> Form:
    """Returns the form of signals from WAVE files.

    The rate is the requested one, or the lowest. The length is the requested one, or that of the longest signal at this
    rate, but at most 2^17 positions. There is one channel if a file has one, else as many as all files have.
    """
    rate = options.rate or min(one.rate for one in headers)
    length = options.length or min(MOST_POSITIONS, max(one.positions(rate) for one in headers))
    channels = min(one.channels for one in headers)
    return Form((length,), channels, -math.inf, math.inf, spacing=(1 / rate,), unit="s")


def notes(headers: Sequence[Header], form: Form) -> list[str]:
    """Returns one line about the conversion of files to a form, or none if all have it."""
    (length,), rate = form.sizes, rate_of(form)
    positions = [one.positions(rate or one.rate) for one in headers]
    counts = {
        "padded at the end with their own mean": sum(own < length for own in positions),
        "cut (`--length`)": sum(own > length for own in positions),
        f"resampled from up to {max(one.rate for one in headers):,} Hz (`--rate`)": sum(
            one.rate != rate for one in headers if rate
        ),
        f"mixed from up to {max(one.channels for one in headers)} channels": sum(
            one.channels != form.channels for one in headers
        ),
    }
    changed = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)
    seconds = f" ({length / rate:.3g} s at {rate:,} Hz)" if rate else ""
    said = f"of {len(headers):,} signals, converted to {length:,} positions{seconds}, {changed}"
    return [said] if changed else []


def fit_arrays(signals: npt.NDArray[Any], options: SampleOptions) -> npt.NDArray[Any]:
    """Returns float32 signals of the requested length, `(count, length, channels)`.

    Longer ones are cut; shorter ones are padded at their end with their own mean, each channel with its own.

    Args:
      signals: real numbers, `(count, length, channels)`, or `(count, length)` of one channel.
      options: the requested form.
    """
    signals = signals if signals.ndim == 3 else signals[..., np.newaxis]
    own = signals.shape[1]
    length = options.length or own
    if length <= own:
        return np.ascontiguousarray(signals[:, :length], np.float32)
    result = np.empty((len(signals), length, signals.shape[2]), np.float32)
    result[:, :own] = signals
    result[:, own:] = result[:, :own].mean(1, keepdims=True, dtype=np.float64)
    return result
