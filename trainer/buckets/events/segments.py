"""The pieces of an event file in an append-only bucket: every sync writes a new object.

`<event file>.000001`, `.000002`, … Each starts with the file's first record, which defines the version of the file,
followed by complete records. TensorBoard reads a folder's event files in the order of their names: it sees the log.
"""

import dataclasses
import os
import re
from collections.abc import Mapping, Sequence
from typing import BinaryIO

from trainer.buckets.events import records
from trainer.buckets.objects.failure import ChangedError
from trainer.buckets.objects.folder import Folder
from trainer.buckets.objects.object import Object

_MOST = 8 << 20  # bytes, unless a single record is larger
_NAME = re.compile(r"(.*tfevents.*)\.(\d{6})")


@dataclasses.dataclass(frozen=True)
class Segment:
    """A piece of an event file.

    Attributes:
      number: its position among the pieces.
      start: where in the event file its records start; the content of earlier pieces from there on is invalid.
      head: the number of bytes before these records.
      one: the object.
    """

    number: int
    start: int
    head: int
    one: Object

    @property
    def stop(self) -> int:
        """The position in the event file where its records end."""
        return self.start + self.one.size - self.head


def base_of(name: str) -> str:
    """Returns the name of the event file of an object, which is the whole file or a piece."""
    match = _NAME.fullmatch(name)
    return match[1] if match else name


def of(known: Mapping[str, Object], base: str) -> list[Segment]:
    """Returns the pieces of an event file in order.

    The file itself, if it exists, is the first piece. Pieces of another version of it are ignored, because the whole
    file has been written since then.
    """
    whole = known.get(base)
    found = [Segment(0, 0, 0, whole)] if whole else []
    for name in sorted(name for name in known if base_of(name) == base != name):
        one, about = known[name], known[name].metadata
        if {"start", "head", "beside"} <= about.keys() and int(about["beside"]) == (whole.generation if whole else 0):
            found.append(Segment(int(one.name[-6:]), int(about["start"]), int(about["head"]), one))
    return found


def joined(pieces: Sequence[tuple[Segment, bytes]]) -> bytes:
    """Returns the content of the event file from its pieces and their contents."""
    content = bytearray()
    for segment, piece in pieces:
        content[segment.start :] = piece[segment.head :]
    return bytes(content)


def add(folder: Folder, name: str, file: BinaryIO, start: int, stop: int) -> None:
    """Writes a range of an event file, in complete records, as new pieces, and records them in the folder.

    Raises:
      ChangedError: another process writes the same pieces.
    """
    head = records.complete(file, 0, stop, most=1) if start else 0
    whole = folder.known.get(name)
    while start < stop:
        end = records.complete(file, start, min(stop, start + _MOST))
        end = end if end > start else records.complete(file, start, stop, most=1)
        number = max((int(one[-6:]) for one in folder.known if base_of(one) == name != one), default=0) + 1
        piece = f"{name}.{number:06d}"
        content = os.pread(file.fileno(), head, 0) + os.pread(file.fileno(), end - start, start)
        about = {"start": str(start), "head": str(head), "beside": str(whole.generation if whole else 0)}
        try:
            folder.note(piece, folder.bucket.put(piece, content, 0, about))
        except ChangedError as changed:
            folder.note(piece, changed.found)
            raise
        start, head = end, head or records.complete(file, 0, stop, most=1)
