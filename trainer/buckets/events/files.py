"""Event files: what has been written since the last time, in whole records, is added to what is on the bucket."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from trainer.buckets.events import records, segments
from trainer.buckets.objects.failure import ChangedError, UnreachableError
from trainer.buckets.objects.folder import Folder
from trainer.buckets.objects.upload import Uploads, checksum
from trainer.buckets.ownership import Ownership

_WHOLE = 16 << 10  # bytes: up to here one request that sends all is cheaper than three that add to it
_TAIL = 64
_ATTEMPTS = 3


def is_event_file(path: Path) -> bool:
    """Returns whether TensorBoard takes a file for one of events."""
    return "tfevents" in path.name


class EventFiles:
    """The event files of a run.

    Args:
      folder: the logs.
      uploads: send what is new.
      ownership: is asked when an object is not what this process made it.
    """

    def __init__(self, folder: Folder, uploads: Uploads, ownership: Ownership):
        self._folder, self._uploads, self._ownership = folder, uploads, ownership
        # How far each is on the bucket, and its last bytes there. Where the file has others, it was cut back and has
        # grown again.
        self._ends: dict[str, tuple[int, bytes]] = {}

    def sync(self, path: Path) -> None:
        """Brings an object to what its file is now; the file may be growing.

        Raises:
          FencedError: the run is another process's.
        """
        name = self._folder.name(path)
        with path.open("rb") as file:
            for _ in range(_ATTEMPTS):
                try:
                    stop = self._add(name, file)
                except ChangedError as changed:
                    self._ownership.check()
                    self._ends.pop(name, None)
                    if not self._folder.bucket.is_append_only:
                        self._folder.note(name, changed.found)
                else:
                    self._ends[name] = stop, _tail(file, stop)
                    return
        raise UnreachableError(f"{self._folder}: {name} keeps changing")

    def _add(self, name: str, file: BinaryIO) -> int:
        """Sends what is new and returns how far the bucket now has it."""
        folder, size = self._folder, os.fstat(file.fileno()).st_size
        is_append_only, there = folder.bucket.is_append_only, segments.of(folder.known, name)
        end, tail = self._ends.get(name, (there[-1].stop if there else 0, None))
        if is_append_only and size < end:
            start = size  # what was cut off cannot be taken back; a further piece will say that it does not count
        else:
            start = end if size >= end and _goes_on(file, there, end, tail) else 0
        stop = records.complete(file, start, size)
        # Pieces are one with their file again as soon as that can be written.
        is_whole = len(there) == 1 and there[0].number == 0
        if there and start == stop and (is_append_only or (is_whole and start == end)):
            return stop
        if is_append_only:
            segments.add(folder, name, file, start, stop)
        elif is_whole and start and stop > _WHOLE:
            self._uploads.write(folder, name, file, (start, stop), former=there[0].one)
        elif stop:
            self._uploads.write(folder, name, file, (0, stop))
        return stop


def _goes_on(file: BinaryIO, there: Sequence[segments.Segment], end: int, tail: bytes | None) -> bool:
    """Returns whether a file begins with what is on the bucket; without a known tail all of it is compared."""
    if tail is not None:
        return os.pread(file.fileno(), len(tail), end - len(tail)) == tail
    return all(_is_of(segment, file) for segment in there)


def _is_of(segment: segments.Segment, file: BinaryIO) -> bool:
    one = segment.one
    head = checksum(file, 0, segment.head)
    return segment.stop <= os.fstat(file.fileno()).st_size and (
        checksum(file, segment.start, segment.stop, head) == one.crc32c
    )


def _tail(file: BinaryIO, stop: int) -> bytes:
    start = max(0, stop - _TAIL)
    return os.pread(file.fileno(), stop - start, start)
