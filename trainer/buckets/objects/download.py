"""Downloads objects to local files: in parallel, large ones in ranges. Files are verified and appear complete."""

import contextlib
import dataclasses
import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

from trainer import files
from trainer.buckets.objects.bucket import Bucket
from trainer.buckets.objects.failure import CorruptError
from trainer.buckets.objects.object import Object
from trainer.buckets.objects.upload import checksum
from trainer.buckets.objects.workers import Workers
from trainer.errors import StorageError

RANGE = 4 << 20  # bytes of one request, which are lost if it is interrupted
_ATTEMPTS = 3


@dataclasses.dataclass(frozen=True)
class Download:
    """An object, and the local file for it."""

    bucket: Bucket
    one: Object
    path: Path

    def run(self, workers: Workers) -> None:
        """Writes the file. If a large one was interrupted, the ranges that arrived are not downloaded again.

        Raises:
          ChangedError: the object was replaced or deleted.
          StorageError: the file cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self.one.size <= RANGE:
                self._run_at_once()
            elif not any(self._run_in_ranges(workers) for _ in range(_ATTEMPTS)):
                raise CorruptError(f"gs://{self.bucket.name}/{self.one.name}: the download has a wrong checksum")
        except StorageError:
            raise
        except OSError as error:
            raise StorageError(f"{self.path} cannot be written: {error.strerror}") from None

    @property
    def _partial(self) -> Path:
        return self.path.with_name(f".{self.path.name}.{self.one.generation}.partial")

    @property
    def _done(self) -> Path:
        return self.path.with_name(f".{self.path.name}.{self.one.generation}.done")

    def _run_at_once(self) -> None:
        partial = self._partial.with_name(f"{self._partial.name}.{os.getpid()}")  # each process writes its own
        files.replace(self.path, self.bucket.read(self.one), partial=partial)

    def _run_in_ranges(self, workers: Workers) -> bool:
        """Downloads the missing ranges; returns whether the whole has its checksum, because ranges have none."""
        with self._opened() as (file, done):
            there = set(self._done.read_text().split())

            def fetch(start: int) -> None:
                content = self.bucket.read(self.one, start, min(start + RANGE, self.one.size))
                os.pwrite(file.fileno(), content, start)
                os.write(done, f"{start}\n".encode())

            starts = [start for start in range(0, self.one.size, RANGE) if str(start) not in there]
            workers.all([partial(fetch, start) for start in starts])
            is_sound = checksum(file, 0, self.one.size) == self.one.crc32c
        with contextlib.suppress(FileNotFoundError):  # another process that writes the same file was first
            if is_sound:
                self._partial.replace(self.path)
            else:
                self._partial.unlink()
            self._done.unlink()
        return is_sound

    @contextlib.contextmanager
    def _opened(self) -> Iterator[tuple[BinaryIO, int]]:
        """Yields the partial file and the list of its ranges, both open for more."""
        if not self._partial.exists():
            self._done.unlink(missing_ok=True)
        with contextlib.ExitStack() as stack:
            partial = os.open(self._partial, os.O_RDWR | os.O_CREAT, 0o666)
            file = stack.enter_context(os.fdopen(partial, "r+b"))
            done = os.open(self._done, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
            stack.callback(os.close, done)
            yield file, done


def run_all(downloads: Sequence[Download], workers: Workers) -> None:
    """Writes all files.

    Raises:
      ChangedError: an object was replaced or deleted.
      StorageError: a file cannot be written.
    """
    workers.all([partial(one.run, workers) for one in downloads if one.one.size <= RANGE])
    for one in downloads:
        if one.one.size > RANGE:
            one.run(workers)
