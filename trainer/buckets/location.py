"""Folders in a bucket, `gs://bucket/folder`, and the local folders that are copied there."""

import dataclasses
import re
from pathlib import Path

from trainer.errors import UsageError

_SCHEME = "gs://"
# https://cloud.google.com/storage/docs/buckets#naming; `//`, `.` and `..` cannot be part of a local path.
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
_PART = re.compile(r"(?!\.{1,2}$)[^/\r\n]+")


@dataclasses.dataclass(frozen=True)
class SyncedFolder:
    """A folder of a run on both sides.

    Attributes:
      local: the folder that the run writes.
      remote: its copy in a bucket, `gs://bucket/folder`.
    """

    local: Path
    remote: str


@dataclasses.dataclass(frozen=True)
class Location:
    """A folder, or an object, in a bucket.

    Attributes:
      bucket: the bucket's name.
      path: the rest, without a slash at either end; empty for the whole bucket.
    """

    bucket: str
    path: str

    def __str__(self) -> str:
        return f"{_SCHEME}{self.bucket}/{self.path}".rstrip("/")

    @property
    def prefix(self) -> str:
        """The prefix of the names of all objects in the folder."""
        return f"{self.path}/" if self.path else ""

    @classmethod
    def parse(cls, text: str) -> "Location":
        """Returns the location of `gs://bucket/folder`.

        Raises:
          UsageError: the text has another form.
        """
        bucket, _, path = text.removeprefix(_SCHEME).partition("/")
        path = path.rstrip("/")
        parts = path.split("/") if path else []
        if not is_remote(text) or not _BUCKET.fullmatch(bucket) or not all(_PART.fullmatch(part) for part in parts):
            raise UsageError(
                f"`gs://…` must be a bucket, or a folder in one, as in gs://bucket/folder. Received: {text}"
            )
        return cls(bucket, path)


def is_remote(location: str) -> bool:
    """Returns whether a location is in a bucket."""
    return location.startswith(_SCHEME)
