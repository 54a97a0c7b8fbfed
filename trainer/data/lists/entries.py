"""The samples that a folder, a manifest or a set of shards lists, before one of them is opened."""

import dataclasses
import errno
import stat
from collections.abc import Iterable
from pathlib import Path

from trainer.data.lists import frames
from trainer.data.lists.natural import natural
from trainer.errors import one_line

TRAIN, VALIDATION, TEST = PARTS = ("train", "validation", "test")

WHOLE = -1  # the length of an image that is a file by itself
FRAMES = -2  # of a video that is a folder of frames

_ALIASES = {
    **dict.fromkeys(("train", "training"), TRAIN),
    **dict.fromkeys(("validation", "validate", "val", "valid"), VALIDATION),
    **dict.fromkeys(("test", "testing"), TEST),
    **dict.fromkeys(("", "unassigned"), ""),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One image.

    Attributes:
      file: the path of the file that it is in, or of the folder of its frames.
      label: its class's name.
      name: the same on every machine; its hash decides the part.
      part: train, validation or test; empty where it is still to be split off.
      offset: its first byte in the file.
      length: how many bytes; -1 for the whole file, -2 for a folder of frames.
      listed: the list's line or record that says so, for messages; empty where a folder does.
    """

    file: str
    label: str
    name: str
    part: str = ""
    offset: int = 0
    length: int = WHOLE
    listed: str = dataclasses.field(default="", compare=False)

    @property
    def is_whole(self) -> bool:
        """Whether it is a file, or a folder of frames, by itself."""
        return self.length in (WHOLE, FRAMES)

    @property
    def location(self) -> str:
        """The file, and the part of it where there are others, for messages: on one line."""
        part = "" if self.is_whole else f", {self.length:,} bytes from {self.offset:,}"
        return one_line(self.file) + part

    @property
    def place(self) -> str:
        """Where it is listed, with its file where that is another, for messages: on one line."""
        if not self.listed or not self.is_whole:  # of a record, the list is the file
            return self.listed or self.location
        return f"{self.listed}: {self.location}"

    def read(self, most: int | None = None) -> bytes:
        """Returns its content, or the first bytes of it; of a folder of frames an archive of the first bytes of each.

        Raises:
          OSError: it cannot be read.
        """
        if self.length == FRAMES:
            return frames.read(self.file, most)
        if not stat.S_ISREG(Path(self.file).stat().st_mode):
            raise OSError(errno.EINVAL, "not a file", self.file)  # a pipe might never end
        with Path(self.file).open("rb", buffering=0) as opened:
            opened.seek(self.offset)
            wanted = [number for number in (most, self.length) if number is not None and number != WHOLE]
            return opened.read(min(wanted)) if wanted else opened.readall()


def part_named(word: str) -> str | None:
    """Returns which part a word means: `val` is validation, and nothing, or UNASSIGNED, is yet to be split."""
    return _ALIASES.get(word.strip().lower())


def class_names(entries: Iterable[Entry]) -> tuple[str, ...]:
    """Returns the classes in the order of their labels: by name, and numbers in names by their value."""
    return tuple(sorted({entry.label for entry in entries}, key=natural))
