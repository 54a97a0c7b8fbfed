"""Objects and buckets as the JSON API shows them: https://cloud.google.com/storage/docs/json_api/v1/objects"""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from tests.gcs.object import Object


def object(one: Object, base: str) -> dict[str, Any]:
    """Returns an object's resource, with links under `base`; whole numbers of 64 bits are strings."""
    address = f"/storage/v1/b/{one.bucket}/o/{quote(one.name, safe='')}"
    resource = {
        "kind": "storage#object",
        "id": f"{one.bucket}/{one.name}/{one.generation}",
        "selfLink": f"{base}{address}",
        "mediaLink": f"{base}/download{address}?generation={one.generation}&alt=media",
        "bucket": one.bucket,
        "name": one.name,
        "generation": str(one.generation),
        "metageneration": str(one.metageneration),
        "storageClass": "STANDARD",
        "size": str(len(one.content.data)),
        "crc32c": one.content.crc32c,
        "etag": etag(one),
        "timeCreated": _time(one.created),
        "updated": _time(one.updated),
        **one.settings,
    }
    if one.content.md5 is not None:
        resource["md5Hash"] = one.content.md5
    if one.content.components is not None:
        resource["componentCount"] = one.content.components
    return resource


def bucket(name: str, base: str) -> dict[str, Any]:
    """Returns a bucket's resource, with its link under `base`."""
    return {
        "kind": "storage#bucket",
        "id": name,
        "name": name,
        "selfLink": f"{base}/storage/v1/b/{name}",
        "location": "US-CENTRAL1",
        "locationType": "region",
        "storageClass": "STANDARD",
        "metageneration": "1",
    }


def etag(one: Object) -> str:
    """Returns what changes with the generation and the metageneration."""
    return base64.b64encode(f"{one.generation}/{one.metageneration}".encode()).decode()


def checksums(headers: Mapping[str, str]) -> dict[str, str]:
    """Returns the checksums that a client sent in `x-goog-hash`, by their names in a resource."""
    pairs = (one.strip().partition("=") for one in headers.get("x-goog-hash", "").split(","))
    names = {"crc32c": "crc32c", "md5": "md5Hash"}
    return {names[kind]: value for kind, _, value in pairs if kind in names}


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
