"""A local folder and its copy in a bucket: maps the names of one to the other."""

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

from trainer.buckets.objects.bucket import Bucket
from trainer.buckets.objects.object import Object

# The folder of the parts of unfinished uploads. TensorBoard finds no event files in it.
UPLOAD_PARTS = ".parts/"


@dataclasses.dataclass(frozen=True)
class Signature:
    """A fast indicator of whether a file has changed."""

    inode: int
    size: int
    modified: int

    @classmethod
    def of(cls, status: os.stat_result) -> "Signature":
        return cls(status.st_ino, status.st_size, status.st_mtime_ns)


@dataclasses.dataclass
class Folder:
    """A folder of a run, on this machine and in a bucket.

    Attributes:
      local: the folder on this machine.
      bucket: the bucket.
      prefix: the start of the names of the folder's objects.
      is_shallow: whether only files directly in the folder belong to it.
      known: the objects by name, as the service last described them.
    """

    local: Path
    bucket: Bucket
    prefix: str
    is_shallow: bool = False
    known: dict[str, Object] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        return f"gs://{self.bucket.name}/{self.prefix}".rstrip("/")

    def name(self, path: Path) -> str:
        """Returns the name of the object for a file."""
        return self.prefix + path.relative_to(self.local).as_posix()

    def path(self, name: str) -> Path:
        """Returns the file for an object."""
        return self.local / name.removeprefix(self.prefix)

    def note(self, name: str, found: Object | None) -> None:
        """Records the current version of an object."""
        if found is None:
            self.known.pop(name, None)
        else:
            self.known[name] = found

    def generation(self, name: str) -> int:
        """Returns the generation that a write of an object expects; 0 if none is known."""
        return self.known[name].generation if name in self.known else 0

    def list(self) -> list[Object]:
        """Lists the objects in the bucket."""
        return self.bucket.list(self.prefix, is_shallow=self.is_shallow)

    def files(self) -> Iterator[tuple[Path, Signature]]:
        """Yields each local file, except in folders that start with a dot: their files are unfinished."""
        pending = [self.local]
        while pending:
            try:
                entries = sorted(os.scandir(pending.pop()), key=lambda entry: entry.name)
            except (FileNotFoundError, NotADirectoryError):
                continue
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir():
                    pending += [] if self.is_shallow else [Path(entry.path)]
                    continue
                try:
                    yield Path(entry.path), Signature.of(entry.stat())
                except FileNotFoundError:  # it was replaced or removed in the meantime
                    continue
