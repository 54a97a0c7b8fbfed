"""An object of a bucket, as it was at one time, and the checksum that the service keeps of it."""

import base64
import dataclasses
from collections.abc import Mapping
from typing import Any

from trainer.errors import StorageError


@dataclasses.dataclass(frozen=True)
class Object:
    """An object as it was at one time.

    Attributes:
      name: its whole name in the bucket.
      size: bytes.
      crc32c: of its content.
      generation: which of all that ever had this name.
      metadata: as its writer set it.
      encoding: its Content-Encoding, as in `gzip`: how its content is stored; empty where it is stored as it is.
    """

    name: str
    size: int
    crc32c: int
    generation: int
    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)
    encoding: str = ""

    @classmethod
    def of(cls, blob: Any) -> "Object":
        """Returns what the client's own kind of object says.

        Raises:
          StorageError: there is no checksum, which the service leaves out for objects encrypted with a customer's key.
        """
        if not blob.crc32c:
            raise StorageError(f"gs://{blob.bucket.name}/{blob.name} cannot be verified: it has no CRC32C checksum")
        checksum = int.from_bytes(base64.b64decode(blob.crc32c), "big")
        metadata, encoding = dict(blob.metadata or {}), blob.content_encoding or ""
        return cls(blob.name, int(blob.size), checksum, int(blob.generation), metadata, encoding)


def crc32c(content: bytes, before: int = 0) -> int:
    """Returns the checksum of what has the checksum `before`, followed by this content."""
    import google_crc32c

    checksum: int = google_crc32c.extend(before, content)
    return checksum
