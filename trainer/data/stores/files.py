"""Samples that are read from disk when a batch needs them."""

import dataclasses
import math
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer.data.form import Form
from trainer.data.kinds.kind import Decode, Kind
from trainer.data.stores import broken
from trainer.data.stores.broken import Broken
from trainer.data.stores.locations import Locations
from trainer.data.stores.store import Finish, Indices, Samples, Targets

_READ = 16  # parts of files that are read in one call
_MOST_PREVIEWED = 2000
_MOST_VALUES = 60_000_000  # in memory; 398 images of 224 pixels in colour


@dataclasses.dataclass(frozen=True)
class Files:
    """A store of encoded samples, each a file or a part of one.

    Attributes:
      locations: the locations of the samples.
      targets: int32 `(count,)`.
      form: the form to which every sample is converted.
      kind: the kind of the samples.
      decode: maps the content of a file to a uint8 sample of the form.
    """

    locations: Locations
    targets: Targets
    form: Form
    kind: Kind[Any]
    decode: Decode

    def __len__(self) -> int:
        return len(self.targets)

    def chosen(self, indices: npt.NDArray[np.int64]) -> "Files":
        """Returns some of the samples, in the order of the indices."""
        return dataclasses.replace(self, locations=self.locations.chosen(indices), targets=self.targets[indices])

    def read(self, elements: tf.data.Dataset, indices: Indices, finish: Finish) -> tf.data.Dataset:
        """Returns the results of `finish`; samples are decoded in parallel. See `Store.read`."""
        read_each, vectors = self._reader(), elements.map(indices)
        (count,) = vectors.element_spec.shape
        if count is not None:  # one pipeline, which decodes ahead across the limits of batches
            batches = read_each(vectors.unbatch()).batch(count, drop_remainder=True)
        else:
            batches = vectors.flat_map(
                lambda some: read_each(tf.data.Dataset.from_tensor_slices(some)).batch(len(self))
            )
        return tf.data.Dataset.zip(elements, batches).map(finish)

    def preview(self) -> tuple[Samples, Targets]:
        """Returns the first samples and their targets: at most 2,000 samples and 60 million values."""
        count = min(len(self), _MOST_PREVIEWED, max(1, _MOST_VALUES // math.prod(self.form.shape)))
        first = tf.range(count, dtype=tf.int64)
        (samples,) = self.read(tf.data.Dataset.range(1), lambda _: first, lambda _, samples: samples)
        return samples.numpy(), self.targets[:count]

    def find_broken(self) -> Iterator[Broken]:
        """Yields the samples that cannot be decoded, in order."""
        return broken.find_broken(self.locations, self.kind, self.form.channels)

    def arrays(self) -> Mapping[str, npt.NDArray[Any]]:
        """Returns an empty mapping."""
        return {}

    def _reader(self) -> Callable[[tf.data.Dataset], tf.data.Dataset]:
        """Returns the function from single indices to single samples."""
        # Two per core, so that no core waits for a slow sample.
        calls = 2 * (os.cpu_count() or 1)
        if self.locations.are_whole_files:
            files = tf.constant([os.fsencode(file) for file in self.locations.files])  # as in the file system
            rows = tf.constant(self.locations.rows)

            def whole(index: tf.Tensor) -> tf.Tensor:
                return self.decode(tf.io.read_file(tf.gather(files, rows[index, 0])))

            return lambda indices: indices.map(whole, num_parallel_calls=calls, deterministic=True)

        def parts(indices: tf.data.Dataset) -> tf.data.Dataset:
            # TensorFlow has no operation that reads a part of a file. A `tf.data` data set for each part can, but took
            # 1.8 ms. Videos one by one: 16 of them may take a gigabyte, and each consists of many files.
            has_frames = self.locations.has_frames
            batches = indices.batch(1 if has_frames else _READ)
            encoded = batches.map(self._read_parts, num_parallel_calls=calls if has_frames else None).unbatch()
            return encoded.map(self.decode, num_parallel_calls=calls, deterministic=True)

        return parts

    def _read_parts(self, indices: tf.Tensor) -> tf.Tensor:
        def contents(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.object_]:
            return np.array([self.locations.content(number) for number in numbers], np.object_)

        return tf.ensure_shape(tf.numpy_function(contents, [indices], tf.string), (None,))
