"""Small random changes of training signals, as pure functions of a seed."""

import math

import numpy as np
import tensorflow as tf

from trainer.data.form import Form
from trainer.data.kinds.kind import Change, Look, Preset
from trainer.layers import random_numbers

# The most that a signal is changed. Signals of classes that differ in time, as hours of a day, bear little: a linear
# classifier of random convolutions, trained on unchanged signals, is right for 97.0 % of the held-out fifths of
# ItalyPowerDemand's training part, for 96.9 % of them changed like this, for 96.2 % with a shift of 0.02, a stretch of
# 0.04 and a noise of 0.03, and for 94.2 % with 0.05, 0.05, 0.05 and a warp of 0.02. All of GunPoint's stay right.
_SHIFT = 0.01  # of its length
_STRETCH = 0.03  # of its length, about a position that is random too
_WARP = 0.01  # of its length: how far one slow wave displaces a position
_SCALE = 0.1  # of the distance from its mean
_NOISE = 0.02  # of its spread

_NAME = "signal"


def choose_preset(asked: str, form: Form, look: Look) -> Preset:
    """Returns how signals are changed, and why.

    Args:
      asked: the preset, or auto.
      form: of the signals.
      look: is not needed.
    """
    del form, look
    return Preset(_NAME, "for signals") if asked == "auto" else Preset(asked, f"as `--augment={asked}` asks")


def change(preset: str, count: int, sizes: tuple[int, ...], seed: tf.Tensor, *, is_compiled: bool = False) -> Change:
    """Returns what changes some rows of a batch: from float32 signals and the first one's row to the same.

    What moves a signal is made for a whole batch and then shared out: of fewer, the last bits would be others. The
    channels of a signal are displaced in time together, and scaled together.

    Args:
      preset: signal: shifts, scalings, noise, and time that runs a little faster or slower.
      count: signals in the whole batch.
      sizes: their `(length,)`.
      seed: two integers, the step and the seed.
      is_compiled: is not needed: XLA compiles it as it is.
    """
    del preset, is_compiled
    (length,) = sizes
    sources, gain, level = _plan(count, length, seed)

    def changed(signals: tf.Tensor, first: tf.Tensor) -> tf.Tensor:
        rows, _, channels = signals.shape
        # Of a seed that no run has.
        numbers = first + tf.range(rows, dtype=first.dtype)
        noise = random_numbers.noise(-1 - seed[1], seed[0], numbers, length * channels)
        own = slice(first, first + rows)
        moved = _displaced(signals, sources[own])
        mean = tf.reduce_mean(moved, 1, keepdims=True)
        centred = moved - mean
        spread = tf.sqrt(tf.reduce_mean(tf.square(centred), 1, keepdims=True))
        return mean + (centred * gain[own] + spread * level[own] * tf.reshape(noise, signals.shape))

    return changed


def _plan(count: int, length: int, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns how the signals of a batch are changed.

    Returns:
      From which position each one is taken, `(count, length)`; what it is scaled by, and how strong its noise is, each
      `(count, 1, 1)`.
    """
    shift, stretch, place, warp, phase, waves, scale, level, which = tf.split(
        random_numbers.uniform(seed[1], seed[0], count, 9), 9, axis=1
    )
    # Of each product and sum one part is a constant at most: TensorFlow would combine several, in a graph alone.
    positions = np.arange(length, dtype=np.float32)[np.newaxis]
    share = positions / np.float32(max(length - 1, 1))  # 0 to 1
    wave = tf.sin((1 + 0.5 * waves) * (2 * math.pi * share) + math.pi * phase)
    # A stretch leaves one share of the positions, from 0 to 1, where it is.
    stretched = (_STRETCH * length) * stretch * ((share - np.float32(0.5)) - 0.5 * place)
    displaced = stretched + (_WARP * length) * warp * wave + (_SHIFT * length) * shift
    # Half of the signals are shifted by whole positions alone, which takes nothing from their highest frequencies.
    sources = positions + tf.where(which < 0, tf.round((_SHIFT * length) * shift), displaced)
    sources = tf.clip_by_value(sources, 0.0, length - 1.0)
    return sources, 1 + _SCALE * scale[..., tf.newaxis], _NOISE * tf.abs(level)[..., tf.newaxis]


def _displaced(signals: tf.Tensor, sources: tf.Tensor) -> tf.Tensor:
    """Returns signals, `(batch, length, channels)`, taken from other positions, `(batch, length)`, linearly between."""
    before = tf.floor(sources)
    share = (sources - before)[..., tf.newaxis]
    index = tf.cast(before, tf.int32)
    following = tf.minimum(index + 1, signals.shape[1] - 1)
    low, high = (tf.gather(signals, which, batch_dims=1) for which in (index, following))
    return low + share * (high - low)
