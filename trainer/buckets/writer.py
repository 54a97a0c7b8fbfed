"""Writes and deletes whole objects of a run while this process owns the run."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

from trainer.buckets.objects.failure import DELETE, ChangedError, UnreachableError
from trainer.buckets.objects.folder import Folder
from trainer.buckets.objects.object import Object, crc32c
from trainer.buckets.objects.upload import Uploads, checksum
from trainer.buckets.ownership import Ownership

_ATTEMPTS = 3


class Writer:
    """Writes a run's objects.

    Args:
      uploads: sends the objects.
      ownership: checked if an object is not the version that this process wrote.
      log: called with a line about objects that cannot be replaced.

    Attributes:
      stuck: files that cannot be uploaded because they would replace a protected object.
      doubtful: the names of objects that may exist although the write got no answer.
    """

    def __init__(self, uploads: Uploads, ownership: Ownership, log: Callable[[str], None]):
        self.stuck: set[Path] = set()
        self.doubtful: set[str] = set()
        self._uploads, self._ownership, self._log = uploads, ownership, log

    def write_file(self, folder: Folder, path: Path, file: BinaryIO, size: int) -> bool:
        """Writes an open file to its object, and returns whether this was possible.

        Raises:
          FencedError: another process owns the run.
        """
        name = folder.name(path)
        whole = checksum(file, 0, size)
        return self._settled(folder, path, (size, whole), lambda: self._uploads.write(folder, name, file, (0, size)))

    def write(self, folder: Folder, path: Path, content: bytes, metadata: Mapping[str, str] | None = None) -> bool:
        """Writes content of a file to its object, and returns whether this was possible.

        Raises:
          FencedError: another process owns the run.
        """
        name = folder.name(path)

        def put() -> Object:
            return folder.bucket.put(name, content, folder.generation(name), metadata)

        return self._settled(folder, path, (len(content), crc32c(content)), put)

    def delete(self, folder: Folder, name: str) -> None:
        """Deletes an object, unless it has changed.

        Raises:
          FencedError: another process owns the run.
        """
        if name not in folder.known:
            folder.note(name, folder.bucket.look(name))
        try:
            if name in folder.known:
                folder.bucket.delete(name, folder.generation(name))
        except ChangedError:
            self._ownership.check()
        folder.note(name, None)
        self.doubtful.discard(name)

    def _settled(self, folder: Folder, path: Path, expected: tuple[int, int], write: Callable[[], Object]) -> bool:
        name = folder.name(path)
        for _ in range(_ATTEMPTS):
            known = folder.known.get(name)
            if known and (known.size, known.crc32c) == expected:
                return True
            if known and folder.bucket.is_append_only:
                if path not in self.stuck:
                    self._log(f"{folder}: {name} is unchanged, because the permission {DELETE} is missing")
                self.stuck.add(path)
                return False
            self.doubtful.add(name)  # a request without an answer may still have written it
            try:
                folder.note(name, write())
            except ChangedError as changed:
                self._ownership.check()
                folder.note(name, changed.found)
            else:
                self.doubtful.discard(name)
                return True
        raise UnreachableError(f"{folder}: {name} keeps changing")
