"""Whether a class is decided by the same region, with the same content, in nearly all of its samples."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

_WINDOW = 5  # a region is this share of each axis
_FEWEST = 8  # samples of a class
# A centred digit, which no cue decides, reaches 0.93 of both at 0.9 in one of forty cases: ten classes, four methods.
_NEARLY_ALL = 0.95  # of a class's samples
_ALIKE = 0.95  # correlation of the content with the class's mean
_ELSEWHERE = 0.2  # of the other samples, which may look like it
_AXES = {1: ("positions",), 2: ("rows", "columns"), 3: ("depth", "height", "width")}  # by rank


class Cue(NamedTuple):
    """A region that decides a class.

    Attributes:
      label: of the class.
      region: one slice for each spatial axis.
      share: of the class's samples whose map has its maximum there, or next to it.
    """

    label: int
    region: tuple[slice, ...]
    share: float


def same_region(maps: np.ndarray, samples: np.ndarray, labels: np.ndarray) -> list[Cue]:
    """Returns the classes for which the maps point to one region whose content is nearly the same in the whole class.

    The region is a fifth of each axis. At least 95 % of at least 8 samples of the class must have the maximum of their
    map in it, and a content that correlates with the class's mean by 0.95. At most a fifth of the other samples may
    look like it. Objects that only are in the middle of each sample differ in what is there. A watermark, a date or the
    edge of a scanner does not.

    Args:
      maps: attributions to each sample's class, `(batch, *spatial)`.
      samples: raw values `(batch, *spatial, channels)`.
      labels: the class of each sample, `(batch,)`.

    Raises:
      ValueError: the maps do not fit the samples.
    """
    if maps.shape != samples.shape[:-1]:
        raise ValueError(f"`maps` must have the shape {samples.shape[:-1]}. Received: shape {maps.shape}")
    return [*_found(np.nan_to_num(maps), np.asarray(samples, np.float32), np.asarray(labels))]


def described(cue: Cue, name: str, noun: str) -> str:
    """Returns a line about a cue.

    Args:
      cue: of an image or a volume.
      name: of its class.
      noun: the word for a sample, such as image.
    """
    axes = _AXES[len(cue.region)]
    ends = ", ".join(f"{axis} {part.start} to {part.stop - 1}" for axis, part in zip(axes, cue.region, strict=True))
    return (
        f"{cue.share:.0%} of the {noun}s of class {name} are decided by the same region with nearly the same content, "
        f"{ends}: it may be a watermark, a date or a border"
    )


def _found(maps: np.ndarray, samples: np.ndarray, labels: np.ndarray) -> Iterator[Cue]:
    sizes = maps.shape[1:]
    peaks = np.stack(np.unravel_index(maps.reshape(len(maps), -1).argmax(1), sizes), 1)
    for label in np.unique(labels):
        is_own = labels == label
        if is_own.sum() < _FEWEST or is_own.all():
            continue
        region = _around(np.median(peaks[is_own], axis=0), sizes)
        inside = [(part.start <= at) & (at < part.stop) for part, at in zip(region, peaks.T, strict=True)]
        is_near = np.all(inside, axis=0)
        alike = _likeness(samples[(slice(None), *region)], is_own) >= _ALIKE
        share = float((is_near & alike)[is_own].mean())
        if share >= _NEARLY_ALL and alike[~is_own].mean() <= _ELSEWHERE:
            yield Cue(int(label), region, share)


def _around(middle: np.ndarray, sizes: Sequence[int]) -> tuple[slice, ...]:
    lengths = [min(size, max(3, round(size / _WINDOW))) for size in sizes]
    starts = [
        int(min(max(0, round(float(at)) - length // 2), size - length))
        for at, length, size in zip(middle, lengths, sizes, strict=True)
    ]
    return tuple(slice(start, start + length) for start, length in zip(starts, lengths, strict=True))


def _likeness(content: np.ndarray, is_own: np.ndarray) -> np.ndarray:
    """Returns the correlation of each sample's content with the mean of the chosen ones, `(batch,)`."""
    flat = content.reshape(len(content), -1).astype(np.float64)
    flat = flat - flat.mean(axis=1, keepdims=True)
    mean = flat[is_own].mean(axis=0)
    scale = np.linalg.norm(flat, axis=1) * np.linalg.norm(mean)
    return np.asarray(np.divide(flat @ mean, scale, out=np.zeros(len(flat)), where=scale > 0))
