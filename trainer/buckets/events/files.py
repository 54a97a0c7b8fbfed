"""Event files: the new complete records are appended to the object in the bucket."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from trainer.buckets.events import records, segments
from trainer.buckets.objects.failure import ChangedError, UnreachableError
from trainer.buckets.objects.folder import Folder
from trainer.buckets.objects.upload import Uploads, checksum
from trainer.buckets.ownership import Ownership

_WHOLE = 16 << 10  # bytes: up to this size, one request with the whole file is cheaper than three that append
_TAIL = 64
_ATTEMPTS = 3


def is_event_file(path: Path) -> bool:
    """Returns whether TensorBoard considers a file an event file."""
    return "tfevents" in path.name


class EventFiles:
    """The event files of a run.

    Args:
      folder: the folder of the logs.
      uploads: uploads the new records.
      ownership: checked if an object is not the version that this process wrote.
    """

    def __init__(self, folder: Folder, uploads: Uploads, ownership: Ownership):
        self._folder, self._uploads, self._ownership = folder, uploads, ownership
        # How many bytes of each file are in the bucket, and the last of them. If the file has other bytes there, it was
        # truncated and has grown again.
        self._ends: dict[str, tuple[int, bytes]] = {}

    def sync(self, path: Path) -> None:
        """Updates an object to the current content of its file, which may be growing.

        Raises:
          FencedError: another process owns the run.
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
        """Uploads the new records and returns the number of bytes that the bucket now has."""
        folder, size = self._folder, os.fstat(file.fileno()).st_size
        is_append_only, there = folder.bucket.is_append_only, segments.of(folder.known, name)
        end, tail = self._ends.get(name, (there[-1].stop if there else 0, None))
        if is_append_only and size < end:
            start = size  # removed records cannot be deleted; another piece marks them as invalid
        else:
            start = end if size >= end and _goes_on(file, there, end, tail) else 0
        stop = records.complete(file, start, size)
        # Pieces are merged into their file as soon as it can be written.
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
    """Returns whether a file starts with the content in the bucket; without a known tail, all of it is compared."""
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
