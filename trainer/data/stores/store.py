"""The interface of a store of samples."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import numpy.typing as npt
import tensorflow as tf

from trainer.data.form import Form
from trainer.data.stores.broken import Broken

Samples = npt.NDArray[Any]
Targets = npt.NDArray[Any]  # int32 classes, `(count,)`, or float32 labels or numbers, `(count, outputs)`
Indices = Callable[[tf.Tensor], tf.Tensor]
Finish = Callable[[tf.Tensor, tf.Tensor], Any]


class Store(Protocol):
    """Samples of one form, each with its target."""

    @property
    def form(self) -> Form:
        """The form of every sample."""

    @property
    def targets(self) -> Targets:
        """The samples' class numbers, `(count,)`, or their labels or numbers, `(count, outputs)`."""

    def __len__(self) -> int: ...

    def read(self, elements: tf.data.Dataset, indices: Indices, finish: Finish) -> tf.data.Dataset:
        """Returns the result of `finish` for each element, in order.

        Both functions become part of the pipeline's graph. As one step of it, a store in memory takes a third less time
        than a pipeline of indices, a pipeline of samples and one that joins them.

        Args:
          elements: numbers of batches, or other values that `indices` accepts.
          indices: returns the indices of an element's samples, int64 `(batch,)`. If all batches have the same known
            length, samples are read ahead.
          finish: maps an element and its samples, `(batch, *spatial, channels)`, of their stored type, to a result.

        Returns:
          A data set of the results of `finish`. A sample that cannot be read ends it with a `tf.errors.OpError`.
        """

    def preview(self) -> tuple[Samples, Targets]:
        """Returns samples and targets: all if they are in memory, otherwise as many of the first as memory allows."""

    def find_broken(self) -> Iterator[Broken]:
        """Yields the samples that cannot be read, in order; reads each one."""

    def arrays(self) -> Mapping[str, npt.NDArray[Any]]:
        """Returns the arguments of an equal `Memory` store; an empty mapping if the samples are not in memory."""
