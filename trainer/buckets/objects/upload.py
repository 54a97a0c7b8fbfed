"""Uploads a file to an object: a large one in parallel parts that are then composed."""

import contextlib
import hashlib
import itertools
import os
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import BinaryIO

from trainer.buckets.objects.bucket import Bucket
from trainer.buckets.objects.failure import InterruptedSyncError, UnreachableError
from trainer.buckets.objects.folder import UPLOAD_PARTS, Folder
from trainer.buckets.objects.object import Object, crc32c
from trainer.buckets.objects.workers import Workers

# Above 8 MiB, an interrupted connection loses too much; below 4 MiB, the requests cost more.
_PART = 8 << 20
_SOURCES = 32  # of one composition, a limit of the service

_Part = tuple[Object, int, int]  # with its start and end in the file


def spans(start: int, stop: int, workers: int, most: int = _PART) -> list[tuple[int, int]]:
    """Returns the parts of a range: at most `most` bytes each; if half of that is enough, a multiple of `workers`.

    40 MiB for 4 workers are 8 parts of 5 MiB in two rounds; 5 parts of 8 MiB would take two longer rounds.
    """
    size = stop - start
    count = max(1, -(-size // most))
    even = -(-count // workers) * workers
    count = even if count > 1 and size // even >= most // 2 else count
    edges = [start + size * index // count for index in range(count + 1)]
    return list(itertools.pairwise(edges))


def checksum(file: BinaryIO, start: int, stop: int, before: int = 0) -> int:
    """Returns the CRC32C of a range of a file, after content that has the checksum `before`."""
    for begin in range(start, stop, _PART):
        before = crc32c(os.pread(file.fileno(), min(_PART, stop - begin), begin), before)
    return before


class Uploads:
    """The uploads of one process.

    A part's name contains its object, position and checksum, so that an interrupted upload sends no part twice.

    Args:
      workers: send the parts.
      token: separates the parts of different processes.
      part: the maximum bytes of a part; smaller content is one request.
      is_hurried: returns whether the current upload must be cancelled.
    """

    def __init__(self, workers: Workers, token: str, part: int = _PART, is_hurried: Callable[[], bool] = lambda: False):
        self.part = part
        self._is_hurried = is_hurried
        self._workers, self._token = workers, token
        self._parts: dict[tuple[Bucket, str], dict[str, Object | None]] = {}  # by the object that they belong to

    @property
    def has_parts(self) -> bool:
        """Whether the bucket is known to contain parts."""
        return bool(self._parts)

    def go_on(self) -> None:
        """Raises `InterruptedSyncError` if the current upload must be cancelled."""
        if self._is_hurried():
            raise InterruptedSyncError

    def write(
        self,
        folder: Folder,
        name: str,
        file: BinaryIO,
        span: tuple[int, int],
        *,
        former: Object | None = None,
    ) -> Object:
        """Writes an object over the generation that the folder knows, and records the new one there.

        Args:
          folder: the folder of the object.
          name: the name of the object.
          file: the file with the content.
          span: the start and end of the content in the file.
          former: the current object, if the content is appended to it.

        Raises:
          ChangedError: the object has changed.
          InterruptedSyncError: the upload was cancelled.
        """
        bucket, generation, (start, stop) = folder.bucket, folder.generation(name), span
        if former is None and stop - start <= self.part:
            written = bucket.put(name, os.pread(file.fileno(), stop - start, start), generation)
        elif former is None and bucket.is_append_only:  # the parts could not be deleted
            written = bucket.put_file(name, file, stop - start, checksum(file, start, stop), generation)
        else:
            whole = checksum(file, start, stop, former.crc32c if former else 0)
            parts = self._send(folder, name, file, span)
            sources = [former] if former else []
            sources += self._joined(folder, name, file, parts, _SOURCES - len(sources))
            written = bucket.compose(name, sources, generation, whole)
        folder.note(name, written)
        self._drop(bucket, name)
        return written

    def sweep(self, wanted: Collection[str]) -> None:
        """Deletes the parts of objects that are no longer written, and parts that could not be deleted before."""
        for bucket, name in [*self._parts]:
            if name not in wanted:
                self._drop(bucket, name)

    def _send(self, folder: Folder, name: str, file: BinaryIO, span: tuple[int, int]) -> list[_Part]:
        stem = f"{folder.prefix}{UPLOAD_PARTS}{self._token}/{hashlib.sha256(name.encode()).hexdigest()[:12]}"

        def send(start: int, stop: int) -> _Part:
            self.go_on()
            content = os.pread(file.fileno(), stop - start, start)
            part = f"{stem}-{start}-{crc32c(content):08x}"
            return self._once(folder, name, part, lambda: folder.bucket.put(part, content, 0)), start, stop

        return self._workers.all([partial(send, *edges) for edges in spans(*span, self._workers.count, self.part)])

    def _joined(self, folder: Folder, name: str, file: BinaryIO, parts: Sequence[_Part], most: int) -> list[Object]:
        """Returns at most `most` objects with the content of the parts; composes 32 at a time."""
        while len(parts) > most:
            groups = [parts[begin : begin + _SOURCES] for begin in range(0, len(parts), _SOURCES)]
            parts = [self._join(folder, name, file, group) for group in groups]
        return [part for part, _, _ in parts]

    def _join(self, folder: Folder, name: str, file: BinaryIO, group: Sequence[_Part]) -> _Part:
        start, stop = group[0][1], group[-1][2]
        whole, joined = checksum(file, start, stop), f"{group[0][0].name}-{stop}"
        sources = [part for part, _, _ in group]
        return self._once(folder, name, joined, lambda: folder.bucket.compose(joined, sources, 0, whole)), start, stop

    def _once(self, folder: Folder, name: str, part: str, write: Callable[[], Object]) -> Object:
        """Writes a part, unless it was written before."""
        parts = self._parts.setdefault((folder.bucket, name), {})
        # Recorded first: a request without an answer may still have written the part.
        found = parts.setdefault(part, None) or write()
        parts[part] = found
        return found

    def _drop(self, bucket: Bucket, name: str) -> None:
        """Deletes the parts of an object; those that cannot be deleted now are kept for the next time."""
        parts = self._parts.get((bucket, name), {})

        def delete(part: str) -> None:
            bucket.delete(part)
            del parts[part]

        with contextlib.suppress(UnreachableError):
            if not bucket.is_append_only:
                self._workers.all([partial(delete, part) for part in parts])
            self._parts.pop((bucket, name), None)
