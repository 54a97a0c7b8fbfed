"""Small random changes of training volumes, as pure functions of a seed."""

import math

import tensorflow as tf

from trainer.data.form import Form
from trainer.data.kinds import warp
from trainer.data.kinds.kind import Change, Look, Preset
from trainer.data.kinds.options import SampleOptions
from trainer.data.kinds.volume import sides
from trainer.data.kinds.volume.fit import fit_arrays
from trainer.layers import random_numbers

_TURN = math.radians(10)  # about each axis
_SCALE = 0.1  # of each axis
_SHIFT = 0.06  # of each axis: a voxel of 16
_CONTRAST, _BRIGHTNESS = 0.2, 0.2  # of a volume's own deviation


_MIRRORED, _UNMIRRORED = PRESETS = ("volume", "volume_unmirrored")


def choose_preset(asked: str, form: Form, look: Look) -> Preset:
    """Returns how volumes are changed, and why.

    No format says along which axis mirroring is harmless: the organ on the left may be another class than that on the
    right, a scan has its front and its head, and an axis of a video is its time. So the training samples are asked.

    Args:
      asked: the preset, or auto.
      form: of the volumes.
      look: returns training volumes of a size.
    """
    del form
    if asked != "auto":
        return Preset(asked, f"as `--augment={asked}` asks")
    volumes, targets = look(sides.MOST, sides.SIDE)
    verdict = sides.look(fit_arrays(volumes, SampleOptions(volume_size=sides.SIDE)), targets)
    if verdict.have_meaning:
        return Preset(_UNMIRRORED, f"{verdict.reason}; `--augment={_MIRRORED}` mirrors")
    return Preset(_MIRRORED, f"{verdict.reason}; see `--augment={_UNMIRRORED}`")


def change(preset: str, count: int, sizes: tuple[int, ...], seed: tf.Tensor, *, is_compiled: bool = False) -> Change:
    """Returns what changes some rows of a batch: from float32 volumes, and the first one's row, to the same.

    Each volume is turned, scaled and shifted about its middle, and seen in another brightness and contrast. Beyond its
    borders it goes on as at them. The maps are made for a whole batch and then shared out: of fewer, the last bits
    would be others.

    Args:
      preset: volume, which mirrors along each axis or not, or volume_unmirrored.
      count: volumes in the whole batch.
      sizes: the volumes' `(depth, height, width)`.
      seed: two integers, the step and the seed.
      is_compiled: is not needed: XLA compiles it as it is.
    """
    del is_compiled
    numbers = tf.transpose(random_numbers.uniform(seed[1], seed[0], count, 14))
    turns, scales, shifts, mirrors, lights = tf.split(numbers, [3, 3, 3, 3, 2])
    scales = 1 + _SCALE * scales
    if preset == _MIRRORED:
        scales *= tf.where(mirrors < 0, -1.0, 1.0)
    maps = [
        _maps(sizes[axis], sizes[(axis + 1) % 3], _TURN * turns[axis], scales[axis], _SHIFT * shifts[axis])
        for axis in range(3)
    ]
    gain, bias = 1 + _CONTRAST * lights[0], _BRIGHTNESS * lights[1]

    def changed(volumes: tf.Tensor, first: tf.Tensor) -> tf.Tensor:
        def rows(values: tf.Tensor) -> tf.Tensor:
            return values[first : first + volumes.shape[0]]

        moved = volumes
        for plane in maps:
            moved = _transform(moved, rows(plane))
        return _lit(moved, rows(gain), rows(bias))

    return changed


def _maps(high: int, wide: int, turn: tf.Tensor, scale: tf.Tensor, shift: tf.Tensor) -> tf.Tensor:
    """Returns affine maps of planes about their middle, `(count, 6)`, as `warp.transform` takes them.

    Args:
      high: positions of the first axis, which is scaled and shifted.
      wide: of the second.
      turn: radians, `(count,)`.
      scale: what the first axis is multiplied by; of a mirrored one it is negative.
      shift: a share of the first axis.
    """
    # Output position (x, y), with y along the first axis, is input position (a x + b y + c, d x + e y + f).
    a, b, d, e = tf.cos(turn), -tf.sin(turn) * scale, tf.sin(turn), tf.cos(turn) * scale
    x, y = (wide - 1) / 2, (high - 1) / 2
    c, f = x - a * x - b * y, y - d * x - e * y + shift * high
    return tf.stack([a, b, c, d, e, f], axis=1)


def _transform(volumes: tf.Tensor, maps: tf.Tensor) -> tf.Tensor:
    """Returns volumes whose planes of the first two axes are each under one map, with the first axis as the last.

    A plane has the third axis and the channels as its channels, so that a map is worked out once for all of them. After
    three calls each pair of axes has had its turn, and the axes are where they were.

    Args:
      volumes: `(batch, first, second, third, channels)`.
      maps: `(batch, 6)`.
    """
    batch, high, wide, third, channels = volumes.shape
    planes = tf.reshape(volumes, (batch, high, wide, third * channels))
    # Of planes of so many channels a gather is the faster on a CPU too: 64 volumes of 16 voxels a side took 3.9 ms, not
    # 6.1.
    planes = warp.transform(planes, maps, repeats_edges=True, is_compiled=True)
    return tf.transpose(tf.reshape(planes, volumes.shape), (0, 2, 3, 1, 4))


def _lit(volumes: tf.Tensor, gain: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    """Returns volumes in another contrast and brightness, relative to their own mean and deviation.

    Args:
      volumes: of values of any scale.
      gain: what differences from the mean are multiplied by, `(batch,)`.
      bias: what is added, in deviations.
    """
    mean, variance = tf.nn.moments(volumes, (1, 2, 3), keepdims=True)
    gain, bias = (tf.reshape(one, (-1, 1, 1, 1, 1)) for one in (gain, bias))
    return volumes * gain + (mean * (1 - gain) + bias * tf.sqrt(variance))
