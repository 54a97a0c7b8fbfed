"""The content of an object, or a range of it."""

import re
from email.utils import formatdate

from tests.gcs.object import Object
from tests.gcs.refusals import Refused
from tests.gcs.reply import Reply
from tests.gcs.resources import etag

_RANGE = re.compile(r"bytes=(?:(\d+)-(\d*)|-(\d+))")


def media(one: Object, header: str | None) -> Reply:
    """Returns the content, 206 with the part that a `Range` header asks for, or 416 where there is none of it.

    A header of another form is passed over, as RFC 9110 has it.
    """
    data = one.content.data
    md5 = f",md5={one.content.md5}" if one.content.md5 else ""
    headers = {
        "Content-Type": one.settings.get("contentType", "application/octet-stream"),
        "ETag": f'"{etag(one)}"',
        "Last-Modified": formatdate(one.updated, usegmt=True),
        "X-Goog-Generation": str(one.generation),
        "X-Goog-Metageneration": str(one.metageneration),
        "X-Goog-Hash": f"crc32c={one.content.crc32c}{md5}",
        "X-Goog-Stored-Content-Length": str(len(data)),
        "X-Goog-Stored-Content-Encoding": one.settings.get("contentEncoding", "identity"),
        "X-Goog-Storage-Class": "STANDARD",
    }
    if "contentEncoding" in one.settings:
        headers["Content-Encoding"] = one.settings["contentEncoding"]
    match = _RANGE.fullmatch(header or "")
    if match is None:
        return Reply(200, data, headers)
    first, last, suffix = match.groups()
    start = int(first) if first else max(len(data) - int(suffix), 0)
    end = min(int(last) + 1, len(data)) if last else len(data)
    if start >= len(data) or start >= end:
        refused = Refused(416, "Request range not satisfiable")
        return Reply(416, refused.json(), {"Content-Type": "application/json", "Content-Range": f"bytes */{len(data)}"})
    return Reply(206, data[start:end], {**headers, "Content-Range": f"bytes {start}-{end - 1}/{len(data)}"})
