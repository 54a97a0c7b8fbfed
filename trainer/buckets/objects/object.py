"""One version of an object in a bucket, with the checksum that the service stores."""

import base64
import dataclasses
from collections.abc import Mapping
from typing import Any

from trainer.errors import StorageError


@dataclasses.dataclass(frozen=True)
class Object:
    """One version of an object.

    Attributes:
      name: the full name in the bucket.
      size: bytes.
      crc32c: the checksum of the content.
      generation: the service's number of this version.
      metadata: as set by the writer.
      encoding: the Content-Encoding, as in `gzip`; empty if the content is stored unchanged.
    """

    name: str
    size: int
    crc32c: int
    generation: int
    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)
    encoding: str = ""

    @classmethod
    def of(cls, blob: Any) -> "Object":
        """Returns the data of the client's object.

        Raises:
          StorageError: there is no checksum; the service has none for objects encrypted with a customer's key.
        """
        if not blob.crc32c:
            raise StorageError(f"gs://{blob.bucket.name}/{blob.name} cannot be verified: it has no CRC32C checksum")
        checksum = int.from_bytes(base64.b64decode(blob.crc32c), "big")
        metadata, encoding = dict(blob.metadata or {}), blob.content_encoding or ""
        return cls(blob.name, int(blob.size), checksum, int(blob.generation), metadata, encoding)


def crc32c(content: bytes, before: int = 0) -> int:
    """Returns the checksum of content with the checksum `before` followed by this content."""
    import google_crc32c

    checksum: int = google_crc32c.extend(before, content)
    return checksum
