"""Images that stay on the disk: where each lies, and what it is; they are read when a batch needs them."""

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer.data.entries import WHOLE, Entry
from trainer.data.kinds.image.decode import decode

_READ = 16  # parts of files that are read in one call


@dataclasses.dataclass(frozen=True)
class Sources:
    """Labelled images, each a file or a part of one.

    Attributes:
      files: paths.
      places: of each image its file's index in `files`, the first byte and the number of bytes, `(count, 3)`; the
        number is -1 where it is the whole file.
      labels: `(count,)`.
      shape: `(height, width, channels)`, which every image is brought to.
      is_plain: whether all are JPEGs that are in colour and have the shape already, so that nobody has to look.
    """

    files: tuple[str, ...]
    places: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int32]
    shape: tuple[int, int, int]
    is_plain: bool = False

    @classmethod
    def of(cls, entries: Sequence[Entry], names: Sequence[str] = ()) -> "Sources":
        """Returns what entries list, to be brought to another shape.

        Args:
          entries: the images.
          names: the classes', in the order of their labels; where there are none, all labels are 0.
        """
        labels = {name: label for label, name in enumerate(names)}
        files: dict[str, int] = {}
        places = [(files.setdefault(entry.file, len(files)), entry.offset, entry.length) for entry in entries]
        return cls(
            tuple(files),
            np.array(places, np.int64).reshape(-1, 3),
            np.array([labels.get(entry.label, 0) for entry in entries], np.int32),
            (1, 1, 3),
        )

    def __len__(self) -> int:
        return len(self.labels)

    def name(self, index: int) -> str:
        """Returns where a person finds an image."""
        file, offset, length = self.places[index]
        return str(self.files[file]) + ("" if length == WHOLE else f", {length:,} bytes from {offset:,}")

    def content(self, index: int, most: int | None = None) -> bytes:
        """Returns an image as it is on the disk, or its first bytes.

        Raises:
          OSError: it cannot be read.
        """
        file, offset, length = (int(number) for number in self.places[index])
        with Path(self.files[file]).open("rb", buffering=0) as opened:
            opened.seek(offset)
            wanted = [number for number in (most, length) if number is not None and number != WHOLE]
            return opened.read(min(wanted)) if wanted else opened.readall()

    def chosen(self, indices: npt.NDArray[np.int64]) -> "Sources":
        """Returns some of the images, in the order of the indices."""
        return dataclasses.replace(self, places=self.places[indices], labels=self.labels[indices])

    def read(self, indices: tf.data.Dataset) -> tf.data.Dataset:
        """Returns for each index, int64, its image, uint8 of `shape`, in the same order; some are decoded side by side.

        An image that cannot be read or decoded ends the batches with a `tf.errors.OpError`.
        """
        files, places = tf.constant(self.files), tf.constant(self.places)
        # Two for each core, so that none waits for an image that takes long.
        calls = 2 * (os.cpu_count() or 1)

        def whole(index: tf.Tensor) -> tf.Tensor:
            return self._decode(tf.io.read_file(tf.gather(files, places[index, 0])))

        if not (self.places[:, 2] != WHOLE).any():
            return indices.map(whole, num_parallel_calls=calls, deterministic=True)

        def parts(indices: tf.Tensor) -> tf.Tensor:
            def contents(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.object_]:
                return np.array([self.content(number) for number in numbers], np.object_)

            return tf.ensure_shape(tf.numpy_function(contents, [indices], tf.string), (None,))

        # TensorFlow has no operation that reads a part of a file. A set of its own for each, which can, took 1.8 ms.
        encoded = indices.batch(_READ).map(parts).unbatch()
        return encoded.map(self._decode, num_parallel_calls=calls, deterministic=True)

    def _decode(self, encoded: tf.Tensor) -> tf.Tensor:
        height, width, channels = self.shape
        if self.is_plain:  # the same; to ask each image what it is took a sixth of the time
            return tf.reshape(tf.io.decode_jpeg(encoded, channels=channels), self.shape)
        return decode(encoded, (height, width), channels)
