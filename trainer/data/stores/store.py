"""What a store of samples offers, wherever it has them."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer.data.form import Form
from trainer.data.stores.broken import Broken

Samples = npt.NDArray[Any]
Targets = npt.NDArray[np.int32]
Indices = Callable[[tf.Tensor], tf.Tensor]
Finish = Callable[[tf.Tensor, tf.Tensor], Any]


class Store(Protocol):
    """Samples of one form, each with its target."""

    @property
    def form(self) -> Form:
        """What every sample is."""

    @property
    def targets(self) -> Targets:
        """The samples' class numbers, `(count,)`."""

    def __len__(self) -> int: ...

    def read(self, elements: tf.data.Dataset, indices: Indices, finish: Finish) -> tf.data.Dataset:
        """Returns what becomes of each element and its samples, in the same order.

        Both functions become a part of the pipeline's graph; that a store in memory is one step of it takes a third
        less time than a pipeline of indices, a pipeline of samples and one that joins them.

        Args:
          elements: numbers of batches, or whatever else `indices` takes.
          indices: returns which samples are an element's, int64 `(batch,)`. Where all batches have one known length,
            they are read ahead of each other.
          finish: from an element and its samples, `(batch, *spatial, channels)`, of the type that they are stored in.

        Returns:
          A data set of the results of `finish`. A sample that cannot be read ends it with a `tf.errors.OpError`.
        """

    def preview(self) -> tuple[Samples, Targets]:
        """Returns samples to look at: all where they are in memory, otherwise the first, as many as memory allows."""

    def find_broken(self) -> Iterator[Broken]:
        """Yields the samples that cannot be read, in order; looks at each."""

    def arrays(self) -> Mapping[str, npt.NDArray[Any]]:
        """Returns what `Memory` makes the same store of; nothing where the samples are not in memory."""
