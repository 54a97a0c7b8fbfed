"""Which operation a request asks for, by its method and address."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from tests.gcs.refusals import Refused

WRITES = frozenset(
    (
        *("objects.insert", "objects.compose", "objects.copy", "objects.rewrite", "objects.patch", "objects.delete"),
        *("resumable.start", "resumable.chunk", "resumable.cancel", "buckets.insert", "batch"),
    )
)

_BUCKET = "/b/(?P<bucket>[^/]+)"
_OBJECT = f"{_BUCKET}/o/(?P<name>[^/]+)"  # a slash in a name must come as %2F
_TO = "/b/(?P<to_bucket>[^/]+)/o/(?P<to_name>[^/]+)"
_API = "/storage/v1"
_COMMON = ("alt", "fields", "key", "prettyPrint", "projection", "quotaUser", "userProject")
_IF = ("ifGenerationMatch", "ifGenerationNotMatch", "ifMetagenerationMatch", "ifMetagenerationNotMatch")
_IF_SOURCE = tuple(name.replace("if", "ifSource") for name in _IF)
_LISTING = ("prefix", "delimiter", "pageToken", "maxResults")
_UPLOAD = ("uploadType", "name", "upload_id", *_IF)

# (method, address, operation, the parameters it knows). What is not here is refused rather than passed over.
_TABLE = tuple(
    (method, re.compile(address), operation, frozenset(known))
    for method, address, operation, known in (
        ("POST", f"{_API}/b", "buckets.insert", ("project",)),
        ("GET", f"{_API}{_BUCKET}", "buckets.get", ()),
        ("GET", f"{_API}{_BUCKET}/iam/testPermissions", "buckets.testIamPermissions", ("permissions",)),
        ("GET", f"{_API}{_BUCKET}/o", "objects.list", _LISTING),
        ("GET", f"{_API}{_OBJECT}", "objects.get", ("generation", *_IF)),
        ("GET", f"/download{_API}{_OBJECT}", "objects.get", ("generation", *_IF)),
        ("PATCH", f"{_API}{_OBJECT}", "objects.patch", ("generation", *_IF)),
        ("DELETE", f"{_API}{_OBJECT}", "objects.delete", ("generation", *_IF)),
        ("POST", f"{_API}{_OBJECT}/compose", "objects.compose", _IF),
        ("POST", f"{_API}{_OBJECT}/copyTo{_TO}", "objects.copy", ("sourceGeneration", *_IF, *_IF_SOURCE)),
        ("POST", f"{_API}{_OBJECT}/rewriteTo{_TO}", "objects.rewrite", ("sourceGeneration", *_IF, *_IF_SOURCE)),
        ("POST", f"/upload{_API}{_BUCKET}/o", "objects.insert", _UPLOAD),
        ("PUT", f"/upload{_API}{_BUCKET}/o", "resumable.chunk", _UPLOAD),
        ("DELETE", f"/upload{_API}{_BUCKET}/o", "resumable.cancel", _UPLOAD),
        ("POST", "/batch/storage/v1", "batch", ()),
        (
            "GET",
            "/(?!storage/|upload/|download/|batch/)(?P<bucket>[^/]+)/(?P<name>.+)",
            "objects.media",
            ("generation",),
        ),
    )
)


@dataclass(frozen=True)
class Route:
    """A request's operation and what it is about; names are "" where there are none."""

    operation: str
    bucket: str
    name: str
    to_bucket: str
    to_name: str
    query: Mapping[str, str]
    permissions: tuple[str, ...]
    xml: bool

    @property
    def is_write(self) -> bool:
        """Whether it changes anything."""
        return self.operation in WRITES


def find(method: str, target: str, content_range: str | None = None) -> Route:
    """Returns the route of a request, or raises `Refused`.

    Args:
      method: GET, POST and so on.
      target: the address as it was sent, with its query.
      content_range: the header of that name, which tells a chunk from a question about the state.
    """
    address = urlsplit(target)
    given = parse_qs(address.query, keep_blank_values=True)
    query = {name: values[-1] for name, values in given.items()}
    for verb, pattern, usual, known in _TABLE:
        match = pattern.fullmatch(address.path)
        if match is None or verb != method:
            continue
        unknown = sorted(set(query) - known - set(_COMMON))
        if unknown:
            raise Refused(501, f"This fake does not know the parameters {unknown} of {usual}.")
        operation = _precisely(usual, query, content_range)
        names = {key: unquote(value) for key, value in match.groupdict().items()}
        return Route(
            operation,
            names.get("bucket", ""),
            names.get("name", "") or query.get("name", ""),
            names.get("to_bucket", ""),
            names.get("to_name", ""),
            query,
            tuple(given.get("permissions", ())),
            xml=usual == "objects.media",
        )
    raise Refused(404, f"This fake does not know {method} {address.path}")


def _precisely(operation: str, query: Mapping[str, str], content_range: str | None) -> str:
    """Returns the operation, told apart from others at the same address."""
    if operation == "objects.get" and query.get("alt") == "media":
        return "objects.media"
    if operation == "objects.insert" and query.get("uploadType") == "resumable":
        return "resumable.start"
    if operation == "resumable.chunk" and (content_range or "").startswith("bytes */"):
        return "resumable.status"
    return operation
