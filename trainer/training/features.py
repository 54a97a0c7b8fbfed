"""What a part of a network that does not learn gives for each sample: computed once, and kept in memory."""

import math

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer import data
from trainer.insight.unfolded import Unfolded

# Of photographs in nine classes, 124 to learn from and a frozen backbone (five-fold, 3 seeds): 81.3 % with each image
# as it is alone, 82.2 with one changed copy of each, and no more with 2, 4 or 8 at 160 pixels; at 192 and 224 pixels
# 82.2, 83.2, 84.3, 84.7 (4 copies), 83.7.
_VARIANTS = 5  # of a sample: as it is and changed copies
_MOST_BYTES = 2**30  # of all that is kept

Array = npt.NDArray[np.float32]


def count(part: Unfolded, store: data.Store, preset: str, epochs: int) -> int:
    """Returns of how many variants of each training sample the outputs are kept; 0 where even one may need too much."""
    wanted = 1 if preset == "none" else min(_VARIANTS, epochs)
    (shape,) = part.shapes
    if shape is None or None in shape:
        return 0
    return min(wanted, _MOST_BYTES // (4 * len(store) * math.prod(map(int, shape))))


def of_training(part: Unfolded, store: data.Store, count: int, seed: int, preset: str, *, erase: float = 0.0) -> Array:
    """Returns what a part gives for `count` variants of each sample, `(count, samples, *shape)`.

    Args:
      part: of a network.
      store: the samples.
      count: of variants; the first is the sample as it is.
      seed: of the others.
      preset: how they are changed.
      erase: the share of them of which a box is erased too.
    """
    found = _of(part, data.variants(store, count, seed, preset, erase))
    found = found.reshape(count, -1, *found.shape[1:])
    return found[:, : len(store)]


def of_evaluation(part: Unfolded, store: data.Store) -> data.Memory:
    """Returns what a part gives for each sample, as a store."""
    kept = of_training(part, store, 1, 0, "none")[0]
    return data.Memory(kept, store.targets, data.Form(kept.shape[1:-1], kept.shape[-1]))


def _of(part: Unfolded, samples: tf.data.Dataset) -> Array:
    def outputs(batch: tf.Tensor) -> tf.Tensor:
        return tf.cast(part(batch, training=False)[0], tf.float32)

    run = tf.function(outputs, autograph=False)
    return np.concatenate([run(batch).numpy() for batch in samples])
