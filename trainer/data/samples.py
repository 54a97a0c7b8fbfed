"""A few images in memory, for a person to look at."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer.data.batches import training_batches
from trainer.data.sets import Split
from trainer.data.sources import Sources

_MOST_SAMPLES = 2000
_MOST_VALUES = 60_000_000  # in memory; 398 images of 224 pixels in colour

Pictures = npt.NDArray[Any]


def samples(split: Split | Sources) -> tuple[Pictures, npt.NDArray[np.int32]]:
    """Returns images, uint8, and their labels: all that are in memory, or the first of those on the disk."""
    if isinstance(split, Split):
        return split.images, split.labels
    count = min(len(split), _MOST_SAMPLES, max(1, _MOST_VALUES // math.prod(split.shape)))
    first = split.chosen(np.arange(count))
    (images,) = first.read(tf.data.Dataset.range(count)).batch(count)
    return images.numpy(), first.labels


def changes(
    split: Split | Sources, batch_size: int, seed: int, preset: str, count: int
) -> tuple[Pictures, Pictures] | None:
    """Returns the first images of a run as they are and as the network sees them; nothing where these are the same."""
    if preset == "none":
        return None

    def first(augment: bool) -> Pictures:
        ((images, _),) = training_batches(split, batch_size, seed, augment=augment, steps=range(1), preset=preset)
        return np.asarray(images[:count])

    return first(False), first(True)
