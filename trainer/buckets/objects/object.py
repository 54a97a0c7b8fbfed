"""An object of a bucket, as it was at one time, and the checksum that the service keeps of it."""

import base64
import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Object:
    """An object as it was at one time.

    Attributes:
      name: its whole name in the bucket.
      size: bytes.
      crc32c: of its content.
      generation: which of all that ever had this name.
      metadata: what its writer noted beside it.
    """

    name: str
    size: int
    crc32c: int
    generation: int
    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, blob: Any) -> "Object":
        """Returns what the client's own kind of object says."""
        checksum = int.from_bytes(base64.b64decode(blob.crc32c), "big")
        return cls(blob.name, int(blob.size), checksum, int(blob.generation), dict(blob.metadata or {}))


def crc32c(content: bytes, before: int = 0) -> int:
    """Returns the checksum of what has the checksum `before`, followed by this content."""
    import google_crc32c

    checksum: int = google_crc32c.extend(before, content)
    return checksum
