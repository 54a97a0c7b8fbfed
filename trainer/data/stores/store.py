"""What a store of samples offers, wherever it has them."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer.data.form import Form
from trainer.data.stores.broken import Broken

Samples = npt.NDArray[Any]
Targets = npt.NDArray[np.int32]


class Store(Protocol):
    """Samples of one form, each with its target."""

    @property
    def form(self) -> Form:
        """What every sample is."""

    @property
    def targets(self) -> Targets:
        """The samples' class numbers, `(count,)`."""

    def __len__(self) -> int: ...

    def read(self, indices: tf.data.Dataset) -> tf.data.Dataset:
        """Returns a batch of samples for each vector of indices, in the same order.

        Args:
          indices: int64 vectors, `(batch,)`; batches are read ahead of each other where all have one known length.

        Returns:
          `(batch, *spatial, channels)`, of the type that they are stored in. A sample that cannot be read ends the
          batches with a `tf.errors.OpError`.
        """

    def preview(self) -> tuple[Samples, Targets]:
        """Returns samples to look at: all where they are in memory, otherwise the first, as many as memory allows."""

    def find_broken(self) -> Iterator[Broken]:
        """Yields the samples that cannot be read, in order; looks at each."""

    def arrays(self) -> Mapping[str, npt.NDArray[Any]]:
        """Returns what `Memory` makes the same store of; nothing where the samples are not in memory."""
