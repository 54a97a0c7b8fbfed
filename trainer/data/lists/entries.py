"""The samples that a folder, a manifest or a set of shards lists, before one of them is opened."""

import dataclasses
import hashlib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from trainer.data.lists.text import on_one_line
from trainer.errors import UsageError

TRAIN, VALIDATION, TEST = PARTS = ("train", "validation", "test")

WHOLE = -1  # the length of an image that is a file by itself

_TEST_SHARE = 0.1  # of the images of a data set without a test part
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
      file: the path of the file that it is in.
      label: its class's name.
      name: the same on every machine; its hash decides the part.
      part: train, validation or test; empty where it is still to be split off.
      offset: its first byte in the file.
      length: how many bytes; -1 for the whole file.
      listed: the list's line or record that says so, for a person; empty where a folder does.
    """

    file: str
    label: str
    name: str
    part: str = ""
    offset: int = 0
    length: int = WHOLE
    listed: str = dataclasses.field(default="", compare=False)

    @property
    def location(self) -> str:
        """The file, and the part of it where there are others, for a person: on one line."""
        part = "" if self.length == WHOLE else f", {self.length:,} bytes from {self.offset:,}"
        return on_one_line(self.file) + part

    @property
    def place(self) -> str:
        """Where it is listed, with its file where that is another, for a person: on one line."""
        if not self.listed or self.length != WHOLE:  # of a record, the list is the file
            return self.listed or self.location
        return f"{self.listed}: {self.location}"

    def read(self, most: int | None = None) -> bytes:
        """Returns its content, or the first bytes of it.

        Raises:
          OSError: it cannot be read.
        """
        with Path(self.file).open("rb", buffering=0) as opened:
            opened.seek(self.offset)
            wanted = [number for number in (most, self.length) if number is not None and number != WHOLE]
            return opened.read(min(wanted)) if wanted else opened.readall()


def part_named(word: str) -> str | None:
    """Returns which part a word means: `val` is validation, and nothing, or UNASSIGNED, is yet to be split."""
    return _ALIASES.get(word.strip().lower())


def class_names(entries: Iterable[Entry]) -> tuple[str, ...]:
    """Returns the classes in the order of their labels: by name, and numbers in names by their value."""
    return tuple(sorted({entry.label for entry in entries}, key=_natural))


def split(entries: Sequence[Entry], validation_split: float) -> list[Entry]:
    """Returns the entries, each with its part, in an order that is as good as random and the same always.

    Where a part has no entry of its own, a share of what would be trained on falls to it: a tenth to the test part, and
    of what is left `validation_split` to the validation part. Which, the hash of the image's name decides, so that
    images that are added move no other from one part to another.

    Raises:
      UsageError: a part stays without an image.
    """
    given = {entry.part for entry in entries}
    test_share = 0.0 if TEST in given else _TEST_SHARE
    validation_share = 0.0 if VALIDATION in given else validation_split
    parted = []
    for entry in entries:
        first, second = _shares(entry.name)
        part = entry.part
        if part in ("", TRAIN):
            part = TEST if first < test_share else VALIDATION if second < validation_share else TRAIN
        parted.append((first, entry.name, dataclasses.replace(entry, part=part)))
    parted.sort(key=lambda item: item[:2])
    found = {entry.part for *_, entry in parted}
    for missing in (part for part in PARTS if part not in found):
        raise UsageError(
            f"`--data` must have an image for each of {', '.join(PARTS)}; of {len(entries):,} none fell to {missing}. "
            "Received: too few images"
        )
    return [entry for *_, entry in parted]


def _shares(name: str) -> tuple[float, float]:
    """Returns two numbers from 0 to 1 that a name alone decides."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
    first, second = (int.from_bytes(digest[start : start + 7], "big") / 2**56 for start in (0, 8))
    return first, second


def _natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Returns what a name is sorted by: `a2` comes before `a10`."""
    pieces = re.split(r"(\d{1,4000})", name)  # int() takes no more
    return tuple((0, int(piece), piece) if piece.isdecimal() else (1, 0, piece) for piece in pieces)
