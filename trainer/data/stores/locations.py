"""The locations of samples in files."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from trainer.data.lists.entries import FRAMES, WHOLE, Entry


@dataclasses.dataclass(frozen=True)
class Locations:
    """Encoded samples, each a file or a part of one.

    Attributes:
      files: the paths of the files.
      rows: for each sample, the index of its file, the first byte and the number of bytes, `(count, 3)`. The number is
        -1 for the whole file, and -2 if the path is a folder of frames.
    """

    files: tuple[str, ...]
    rows: npt.NDArray[np.int64]

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> "Locations":
        """Returns the locations of these samples."""
        files: dict[str, int] = {}
        rows = [(files.setdefault(entry.file, len(files)), entry.offset, entry.length) for entry in entries]
        return cls(tuple(files), np.array(rows, np.int64).reshape(-1, 3))

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def are_whole_files(self) -> bool:
        """Whether each sample is a file."""
        return not (self.rows[:, 2] != WHOLE).any()

    @property
    def has_parts(self) -> bool:
        """Whether a sample is a part of a file."""
        return bool((self.rows[:, 2] >= 0).any())

    @property
    def has_frames(self) -> bool:
        """Whether a sample is a folder of frames."""
        return bool((self.rows[:, 2] == FRAMES).any())

    def name(self, index: int) -> str:
        """Returns the name of a sample's file, and of the part if the file has several, for messages."""
        return self._entry(index).location

    def content(self, index: int, most: int | None = None) -> bytes:
        """Returns the encoded sample, or its first bytes.

        Raises:
          OSError: it cannot be read.
        """
        return self._entry(index).read(most)

    def chosen(self, indices: npt.NDArray[np.int64]) -> "Locations":
        """Returns some of the locations, in the order of the indices."""
        return dataclasses.replace(self, rows=self.rows[indices])

    def _entry(self, index: int) -> Entry:
        file, offset, length = (int(number) for number in self.rows[index])
        return Entry(self.files[file], "", "", offset=offset, length=length)
