"""A local folder and its copy in a bucket: what each name is on the other side."""

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

from trainer.buckets.objects.bucket import Bucket
from trainer.buckets.objects.object import Object

# The folder of the parts of unfinished uploads. TensorBoard takes nothing in it for an event file.
UPLOAD_PARTS = ".parts/"


@dataclasses.dataclass(frozen=True)
class Signature:
    """What shows cheaply that a file has changed."""

    inode: int
    size: int
    modified: int

    @classmethod
    def of(cls, status: os.stat_result) -> "Signature":
        return cls(status.st_ino, status.st_size, status.st_mtime_ns)


@dataclasses.dataclass
class Folder:
    """A folder of a run, on both sides.

    Attributes:
      local: on this machine.
      bucket: the other side.
      prefix: what the names of the folder's objects begin with.
      is_shallow: whether only the files directly in it belong to it.
      known: the objects as the service last described them, by name.
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
        """Takes notice of what an object is now."""
        if found is None:
            self.known.pop(name, None)
        else:
            self.known[name] = found

    def generation(self, name: str) -> int:
        """Returns the generation under which an object is to be written; 0 where none is known."""
        return self.known[name].generation if name in self.known else 0

    def list(self) -> list[Object]:
        """Asks what is there on the other side."""
        return self.bucket.list(self.prefix, is_shallow=self.is_shallow)

    def files(self) -> Iterator[tuple[Path, Signature]]:
        """Yields each local file; none below a name that begins with a dot: those are unfinished."""
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
                except FileNotFoundError:  # it was replaced or removed meanwhile
                    continue
