"""A data set of samples in memory."""

from typing import Any

import numpy as np
import numpy.typing as npt

from trainer.data.dataset import Dataset
from trainer.data.fingerprint import Fingerprint
from trainer.data.kinds.kind import Kind
from trainer.data.kinds.options import SampleOptions
from trainer.data.lists.entries import TEST, TRAIN, VALIDATION
from trainer.data.stores.memory import Memory
from trainer.errors import UsageError

Pair = tuple[npt.NDArray[Any], npt.NDArray[Any]]  # samples and their class numbers


def from_arrays(
    training: Pair, test: Pair, kind: Kind[Any], validation_split: float, *, seed: int, options: SampleOptions
) -> Dataset:
    """Returns a data set whose validation part is split off the training samples.

    Args:
      training: samples, as `Kind.fit` takes them, and their class numbers, `(count,)` or `(count, 1)`.
      test: likewise.
      kind: what they are.
      validation_split: the share of the training samples that becomes the validation part.
      seed: decides which samples those are.
      options: what the samples are brought to.

    Raises:
      UsageError: the split leaves a part without a sample.
    """
    samples, labels = training
    count = round(len(labels) * validation_split)
    if not 0 < count < len(labels):
        raise UsageError(
            f"`--validation_split` must leave an image on each side of {len(labels)}. Received: {validation_split}"
        )
    order = np.random.default_rng(seed).permutation(len(labels))
    held_out, kept = order[:count], order[count:]
    pairs = (samples[kept], labels[kept]), (samples[held_out], labels[held_out]), test
    train, validation, tested = (Memory(kind.fit(some, options), _targets(their)) for some, their in pairs)
    classes = int(labels.max()) + 1
    counts = {TRAIN: len(train), VALIDATION: len(validation), TEST: len(tested)}
    fingerprint = Fingerprint.of_arrays((*training, *test), [*map(str, range(classes))], counts)
    return Dataset(train, validation, tested, classes, fingerprint=fingerprint)


def _targets(labels: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
    return labels.reshape(-1).astype(np.int32)
