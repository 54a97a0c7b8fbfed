"""The form of volumes from files."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer.data.form import Form
from trainer.data.kinds.options import SampleOptions
from trainer.data.kinds.volume.header import Header
from trainer.data.kinds.volume.resize import resize
from trainer.errors import UsageError

SIDE = 32  # where volumes do not say a size themselves: as many voxels as an image of 181 x 181 has pixels
_MOST_VOXELS = 64**3
_RESIZED = 2**22  # voxels that are resized at once
_ALIKE = 1e-3  # by which share spacings may differ that are one: they are float32, and products of an affine matrix


def choose_form(headers: Sequence[Header], options: SampleOptions) -> Form:
    """Returns the form of volumes from files.

    The sizes are the requested ones; else the volumes' own, if all are equal and have at most 64 x 64 x 64
    voxels; else 32 x 32 x 32. If all have a spacing, the form's is the one at which the longest of them along
    each axis fits. Grey volumes become coloured if others are.

    Raises:
      UsageError: they have different numbers of channels.
    """
    channels = sorted({header.channels for header in headers})
    if len(channels) > 1 and channels != [1, 3]:
        counts = ", ".join(f"{sum(header.channels == one for header in headers):,} with {one}" for one in channels)
        raise UsageError(f"`--data` must have volumes with one number of channels. Received: {counts}")
    sizes = _choose_sizes(headers, options.volume_size)
    spacing = _choose_spacing(headers, sizes)
    is_bytes = all(header.is_bytes for header in headers)
    low, high = (0.0, 255.0) if is_bytes else (-math.inf, math.inf)
    return Form(sizes, channels[-1], low, high, spacing=spacing, unit="mm" if spacing else "")


def fit_arrays(volumes: npt.NDArray[Any], options: SampleOptions) -> npt.NDArray[Any]:
    """Returns volumes of the requested size, `(count, depth, height, width, channels)`, of the same type.

    Args:
      volumes: uint8 or float32, `(count, depth, height, width, channels)`, or without the last axis.
      options: the requested form.
    """
    volumes = volumes if volumes.ndim == 5 else volumes[..., np.newaxis]
    sizes = (options.volume_size,) * 3 if options.volume_size else volumes.shape[1:4]
    if volumes.shape[1:4] == sizes:
        return volumes
    resized = np.empty((len(volumes), *sizes, volumes.shape[4]), volumes.dtype)
    step = max(1, _RESIZED // max(math.prod(sizes), math.prod(volumes.shape[1:4])))
    for first in range(0, len(volumes), step):
        some = resize(tf.constant(volumes[first : first + step]), sizes)
        some = tf.saturate_cast(tf.round(some), tf.uint8) if volumes.dtype == np.uint8 else some
        resized[first : first + step] = some.numpy()
    return resized


def notes(headers: Sequence[Header], form: Form) -> list[str]:
    """Returns lines about the sizes, spacings and orientations of volumes before the conversion."""
    found = []
    turned = [header.orientation for header in headers if header.orientation not in ("", "RAS")]
    if turned:
        ways = " or ".join(sorted({*turned}))
        found.append(
            f"{len(turned):,} of {len(headers):,} volumes are reoriented from {ways} to RAS (right, front, up)"
        )
    unknown = sum(header.format == "NIfTI" and not header.orientation for header in headers)
    if unknown:
        found.append(f"{unknown:,} of {len(headers):,} volumes have no orientation and are not reoriented")
    sizes = sorted({header.sizes for header in headers}, key=math.prod)
    if sizes != [form.sizes]:
        found.append(f"volumes {_range([*map(_times, sizes)])} voxels are resized to {form}")
    spacings = sorted({_rounded(header.spacing) for header in headers if header.spacing}, key=math.prod)
    if form.spacing and spacings != [_rounded(form.spacing)]:
        texts = [_times(one) for one in spacings]
        found.append(f"voxels {_range(texts)} mm are resampled to {_times(_rounded(form.spacing))} mm")
    elif spacings and not form.spacing and len(spacings) > 1:
        found.append(
            f"voxels {_range([_times(one) for one in spacings])} mm are not resampled: not all files give their spacing"
        )
    return found


def _choose_sizes(headers: Sequence[Header], asked: int) -> tuple[int, int, int]:
    if asked:
        return asked, asked, asked
    first = headers[0].sizes
    alike = all(header.sizes == first for header in headers)
    return first if alike and math.prod(first) <= _MOST_VOXELS else (SIDE, SIDE, SIDE)


def _choose_spacing(headers: Sequence[Header], sizes: tuple[int, int, int]) -> tuple[float, ...]:
    """Returns the spacing at which every volume fits into sizes; none if a volume has no spacing."""
    if not all(header.spacing for header in headers):
        return ()
    spacings = np.array([header.spacing for header in headers])
    if all(header.sizes == sizes for header in headers) and np.allclose(spacings, spacings[0], rtol=_ALIKE, atol=0):
        return _rounded(headers[0].spacing)
    lengths = (spacings * [header.sizes for header in headers]).max(0)
    return _rounded(tuple(lengths / sizes))


def _rounded(spacing: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(float(f"{one:.4g}") for one in spacing)


def _times(values: Sequence[float]) -> str:
    return "x".join(f"{value:g}" for value in values)


def _range(texts: Sequence[str]) -> str:
    return f"of {texts[0]}" if len(texts) == 1 else f"from {texts[0]} to {texts[-1]}"
