"""Bodies that say what comes before they bring it: multipart/related, as RFC 2387 has it."""

import json
import re
from typing import Any

from tests.gcs.refusals import Refused

_BOUNDARY = re.compile(r"multipart/(?:related|mixed)\s*;.*?boundary=\"?([^\";]+)\"?", re.IGNORECASE | re.DOTALL)
_END_OF_LINES = re.compile(rb"\r?\n\r?\n")


def parse(content_type: str, body: bytes) -> tuple[dict[str, Any], bytes]:
    """Returns what is said of an object and its content; a content type of its own is said too."""
    split = parts(content_type, body)
    if len(split) != 2:
        raise Refused(400, f"A multipart upload must have two parts. Received: {len(split)}", "badContent")
    (_, said), (lines, data) = split
    of_media = re.search(rb"(?im)^content-type:\s*(.+?)\s*$", lines)
    kind = {"contentType": of_media[1].decode()} if of_media else {}
    return {**kind, **parse_json(said)}, data


def parts(content_type: str, body: bytes) -> list[tuple[bytes, bytes]]:
    """Returns the header lines and the content of each part."""
    match = _BOUNDARY.match(content_type)
    if match is None:
        raise Refused(400, f"Missing boundary in the content type: {content_type}", "badContent")
    fence = b"--" + match[1].encode()
    pieces = re.split(rb"(?:\A|\r?\n)" + re.escape(fence) + rb"(?=--|\r?\n)", body)
    if len(pieces) < 3 or not pieces[-1].startswith(b"--"):
        raise Refused(400, "Missing end boundary in multipart body.", "badContent")
    split = []
    for piece in pieces[1:-1]:
        end = _END_OF_LINES.search(piece)
        if end is None:
            raise Refused(400, "A part of the multipart body has no content.", "badContent")
        split.append((piece[: end.start()], piece[end.end() :]))
    return split


def parse_json(body: bytes) -> dict[str, Any]:
    """Returns a JSON object; an empty body is {}."""
    try:
        parsed = json.loads(body or b"{}")
    except ValueError as error:
        raise Refused(400, "Parse Error", "parseError") from error
    if not isinstance(parsed, dict):
        raise Refused(400, "Parse Error", "parseError")
    return parsed


def name_in(head: bytes) -> str:
    """Returns the object's name in the first JSON of a body of which only the first bytes have come; "" if none."""
    text = head.decode(errors="replace")
    try:
        said, _ = json.JSONDecoder().raw_decode(text, text.index("{"))
    except ValueError:
        return ""
    return str(said.get("name", ""))
