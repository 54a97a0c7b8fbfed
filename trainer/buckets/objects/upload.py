"""Writes an object from a file: a large one in parts, side by side, that are then put together."""

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

# Above 8 MiB, a connection that breaks off would cost too much again; below half of it, the requests cost more.
_PART = 8 << 20
_SOURCES = 32  # of one composing, by the service's rule

_Part = tuple[Object, int, int]  # and from where to where in the file


def spans(start: int, stop: int, workers: int, most: int = _PART) -> list[tuple[int, int]]:
    """Returns the parts of a range: at most `most` bytes each, and where they stay above half of it, some per worker.

    40 MiB for 4 workers are 8 parts of 5 MiB, two rounds, where 5 parts would take two rounds of 8 MiB.
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

    A part's name holds its object, its position and its checksum, so that an interrupted upload sends no part again.

    Args:
      workers: send the parts.
      token: keeps the parts of two processes apart.
      part: bytes of a part at most; what is not larger is one request.
      is_hurried: returns whether the present upload is to be given up.
    """

    def __init__(self, workers: Workers, token: str, part: int = _PART, is_hurried: Callable[[], bool] = lambda: False):
        self.part = part
        self._is_hurried = is_hurried
        self._workers, self._token = workers, token
        self._parts: dict[tuple[Bucket, str], dict[str, Object | None]] = {}  # by what they are parts of

    @property
    def has_parts(self) -> bool:
        """Whether there are parts on the bucket, as far as is known."""
        return bool(self._parts)

    def go_on(self) -> None:
        """Raises `InterruptedSyncError` where what is being sent is to be given up."""
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
        """Writes an object under the generation that the folder knows, and notes it there.

        Args:
          folder: the object's.
          name: the object's.
          file: has the content.
          span: from where to where.
          former: what the object is now, where the content is to be added to it.

        Raises:
          ChangedError: the object is another by now.
          InterruptedSyncError: it was given up.
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
        """Deletes the parts of objects that are no longer to be written, and those that could not be deleted before."""
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
        """Returns objects that hold what the parts hold, `most` of them at most, joining 32 at a time."""
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
        # Noted first: a request whose answer never comes may still have left it there.
        found = parts.setdefault(part, None) or write()
        parts[part] = found
        return found

    def _drop(self, bucket: Bucket, name: str) -> None:
        """Deletes the parts of an object; those that cannot be are left for the next time."""
        parts = self._parts.get((bucket, name), {})

        def delete(part: str) -> None:
            bucket.delete(part)
            del parts[part]

        with contextlib.suppress(UnreachableError):
            if not bucket.is_append_only:
                self._workers.all([partial(delete, part) for part in parts])
            self._parts.pop((bucket, name), None)
