"""What is sent back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.gcs.refusals import Refused


@dataclass(frozen=True)
class Reply:
    """One reply; a length and a date are added where it is sent."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, answer: Mapping[str, object]) -> "Reply":
        """Returns an answer of the JSON API."""
        return cls(200, json.dumps(answer).encode(), {"Content-Type": "application/json; charset=UTF-8"})

    @classmethod
    def refusal(cls, refused: Refused, *, xml: bool = False, retry_after: float | None = None) -> "Reply":
        """Returns a refusal as the JSON or the XML API has it; 304 has no body."""
        headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
        if refused.status == 304:
            return cls(304, b"", headers)
        kind = "application/xml" if xml else "application/json"
        body = refused.xml() if xml else refused.json()
        return cls(refused.status, body, {"Content-Type": f"{kind}; charset=UTF-8", **headers})
