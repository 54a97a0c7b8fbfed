"""The bytes of an object with their checksums, and what may be said of them."""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import google_crc32c

from tests.gcs.refusals import Refused

MOST_METADATA = 8 * 1024  # bytes of custom keys and values: https://cloud.google.com/storage/quotas#objects
_SETTINGS = (
    *("cacheControl", "contentDisposition", "contentEncoding", "contentLanguage", "contentType"),
    *("customTime", "metadata", "storageClass"),
)


@dataclass(frozen=True)
class Content:
    """Bytes and their checksums, both in base64.

    Attributes:
      crc32c: of all the bytes, big-endian.
      md5: None for what was composed.
      components: of how many objects it was composed; None where it was not.
    """

    data: bytes
    crc32c: str
    md5: str | None
    components: int | None = None

    @classmethod
    def of(cls, data: bytes) -> "Content":
        """Returns bytes with their checksums."""
        return cls(data, crc32c(data), base64.b64encode(hashlib.md5(data).digest()).decode())

    @classmethod
    def joined(cls, parts: Iterable["Content"]) -> "Content":
        """Returns the parts one after another."""
        parts = list(parts)
        data = b"".join(part.data for part in parts)
        return cls(data, crc32c(data), None, sum(part.components or 1 for part in parts))

    def check(self, said: Mapping[str, Any]) -> None:
        """Raises `Refused` where a checksum that the client sent does not fit."""
        for key, is_one, name in (("crc32c", self.crc32c, "CRC32C"), ("md5Hash", self.md5, "MD5 hash")):
            if said.get(key) not in (None, is_one):
                raise Refused(400, f'Provided {name} "{said[key]}" doesn\'t match calculated {name} "{is_one}".')


def crc32c(data: bytes) -> str:
    """Returns the CRC32C of bytes in base64, big-endian: https://cloud.google.com/storage/docs/data-validation"""
    return base64.b64encode(google_crc32c.value(data).to_bytes(4, "big")).decode()


def settings_of(resource: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what of a resource a client may set; the rest is the service's own and ignored."""
    settings = {key: resource[key] for key in _SETTINGS if resource.get(key) is not None}
    if "metadata" in settings:
        custom = {key: value for key, value in settings["metadata"].items() if value is not None}
        if not all(isinstance(value, str) for value in custom.values()):
            raise Refused(400, "Custom metadata must be strings.")
        size = sum(len(key.encode()) + len(value.encode()) for key, value in custom.items())
        if size > MOST_METADATA:
            raise Refused(400, f"Your metadata exceed the maximum of {MOST_METADATA} bytes: {size}.")
        settings["metadata"] = custom
    return settings
