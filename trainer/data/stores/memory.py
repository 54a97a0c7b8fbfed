"""Samples in memory."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy.typing as npt
import tensorflow as tf

from trainer.data.form import Form
from trainer.data.stores.broken import Broken
from trainer.data.stores.store import Finish, Indices, Samples, Targets


@dataclasses.dataclass(frozen=True)
class Memory:
    """A store whose samples are one array.

    Attributes:
      samples: `(count, *spatial, channels)`, uint8 from 0 to 255 or float32; may be memory-mapped.
      targets: int32 `(count,)`.
      form: the form of every sample.
    """

    samples: Samples
    targets: Targets
    form: Form

    def __len__(self) -> int:
        return len(self.targets)

    def read(self, elements: tf.data.Dataset, indices: Indices, finish: Finish) -> tf.data.Dataset:
        """Returns the results of `finish`; see `Store.read`."""
        samples = tf.constant(self.samples)
        return elements.map(lambda element: finish(element, tf.gather(samples, indices(element))))

    def preview(self) -> tuple[Samples, Targets]:
        """Returns all samples and their targets."""
        return self.samples, self.targets

    def find_broken(self) -> Iterator[Broken]:
        """Yields nothing."""
        return iter(())

    def arrays(self) -> Mapping[str, npt.NDArray[Any]]:
        """Returns this store's fields."""
        return {"samples": self.samples, "targets": self.targets}
