"""The JSON API: a request's route, headers and body -> a reply; no sockets."""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.gcs import multipart, resources
from tests.gcs.conditions import Conditions, whole_number
from tests.gcs.content import Content
from tests.gcs.media import media
from tests.gcs.object import Object, Source
from tests.gcs.objects import MOST_LISTED, Store
from tests.gcs.refusals import Refused
from tests.gcs.reply import Reply
from tests.gcs.routes import Route
from tests.gcs.uploads import Uploads

_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]")

# Preconditions by header, which a test must not believe to be heeded.
_UNKNOWN_HEADERS = frozenset(
    (
        *("if-match", "if-none-match", "if-modified-since", "if-unmodified-since"),
        *("x-goog-if-generation-match", "x-goog-if-metageneration-match"),
    )
)


@dataclass(frozen=True)
class Call:
    """One request.

    Attributes:
      headers: their names in lower case.
      base: scheme and host as the client sees them.
    """

    route: Route
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    base: str = ""

    @property
    def json(self) -> dict[str, Any]:
        """Returns the body as JSON; an empty one is {}."""
        return multipart.parse_json(self.body)

    @property
    def conditions(self) -> Conditions:
        """Returns the preconditions."""
        return Conditions.of(self.route.query)

    @property
    def source(self) -> Source:
        """Returns the object that the address names."""
        return Source(self.route.name, whole_number(self.route.query, "generation"), self.conditions)


class Api:
    """Answers calls out of a store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.uploads = Uploads(store)
        self._answers: Mapping[str, Callable[[Call], Reply]] = {
            "buckets.insert": self._insert_bucket,
            "buckets.get": self._get_bucket,
            "buckets.testIamPermissions": self._test_permissions,
            "objects.list": self._list,
            "objects.get": self._get,
            "objects.media": self._media,
            "objects.insert": self._insert,
            "objects.patch": self._patch,
            "objects.delete": self._delete,
            "objects.compose": self._compose,
            "objects.copy": self._copy,
            "objects.rewrite": self._rewrite,
            "resumable.start": self._start,
            "resumable.chunk": self._chunk,
            "resumable.status": self._chunk,
            "resumable.cancel": self._cancel,
        }

    def answer(self, call: Call) -> Reply:
        """Returns the reply to a call; a refusal is a reply too."""
        try:
            for header in _UNKNOWN_HEADERS & set(call.headers):
                raise Refused(501, f"This fake does not know the header {header}.")
            return self._answers[call.route.operation](call)
        except Refused as refused:
            return Reply.refusal(refused, xml=call.route.xml)

    def _insert_bucket(self, call: Call) -> Reply:
        name = str(call.json.get("name", ""))
        if not _BUCKET_NAME.fullmatch(name):
            raise Refused(400, f"Invalid bucket name: '{name}'")
        self.store.add_bucket(name)
        return Reply.json(resources.bucket(name, call.base))

    def _get_bucket(self, call: Call) -> Reply:
        self.store.require(call.route.bucket, "storage.buckets.get", "bucket")
        return Reply.json(resources.bucket(call.route.bucket, call.base))

    def _test_permissions(self, call: Call) -> Reply:
        granted = [one for one in call.route.permissions if self.store.allows(call.route.bucket, one)]
        return Reply.json(
            {"kind": "storage#testIamPermissionsResponse", **({"permissions": granted} if granted else {})}
        )

    def _list(self, call: Call) -> Reply:
        query = call.route.query
        most = whole_number(query, "maxResults")
        page = self.store.list(
            call.route.bucket,
            query.get("prefix", ""),
            query.get("delimiter", ""),
            _after(query.get("pageToken", "")),
            MOST_LISTED if most is None else max(most, 1),
        )
        answer: dict[str, Any] = {"kind": "storage#objects"}
        if page.objects:
            answer["items"] = [resources.object(one, call.base) for one in page.objects]
        if page.prefixes:
            answer["prefixes"] = page.prefixes
        if page.last is not None:
            answer["nextPageToken"] = base64.urlsafe_b64encode(page.last.encode()).decode()
        return Reply.json(answer)

    def _get(self, call: Call) -> Reply:
        return _object(call, self.store.get(call.route.bucket, call.source))

    def _media(self, call: Call) -> Reply:
        return media(self.store.get(call.route.bucket, call.source), call.headers.get("range"))

    def _insert(self, call: Call) -> Reply:
        kind, content_type = call.route.query.get("uploadType"), call.headers.get("content-type", "")
        if kind == "multipart":
            said, data = multipart.parse(content_type, call.body)
        elif kind == "media":
            said, data = {"contentType": content_type}, call.body
        else:
            raise Refused(400, f"Invalid uploadType: {kind}", "invalidParameter")
        said = {**said, **resources.checksums(call.headers)}
        name = _name(call.route, said)
        return _object(call, self.store.insert(call.route.bucket, name, Content.of(data), said, call.conditions))

    def _patch(self, call: Call) -> Reply:
        return _object(call, self.store.patch(call.route.bucket, call.source, call.json))

    def _delete(self, call: Call) -> Reply:
        self.store.delete(call.route.bucket, call.source)
        return Reply(204)

    def _compose(self, call: Call) -> Reply:
        asked = call.json
        if asked.get("deleteSourceObjects"):
            raise Refused(501, "This fake does not know deleteSourceObjects.")
        sources = [
            Source(
                str(one.get("name")), whole_number(one, "generation"), Conditions.of(one.get("objectPreconditions", {}))
            )
            for one in asked.get("sourceObjects", [])
        ]
        said = asked.get("destination", {})
        one = self.store.compose(call.route.bucket, call.route.name, sources, said, call.conditions)
        return _object(call, one)

    def _copy(self, call: Call) -> Reply:
        route = call.route
        source = Source(
            route.name, whole_number(route.query, "sourceGeneration"), Conditions.of(route.query, "ifSource")
        )
        one = self.store.copy(route.bucket, source, route.to_bucket, route.to_name, call.json or None, call.conditions)
        return _object(call, one)

    def _rewrite(self, call: Call) -> Reply:
        one = json.loads(self._copy(call).body)
        return Reply.json(
            {
                "kind": "storage#rewriteResponse",
                "done": True,
                "objectSize": one["size"],
                "resource": one,
                "totalBytesRewritten": one["size"],
            }
        )

    def _start(self, call: Call) -> Reply:
        said = {"contentType": call.headers.get("x-upload-content-type"), **call.json}
        total = whole_number(call.headers, "x-upload-content-length")
        bucket, name = call.route.bucket, _name(call.route, said)
        id = self.uploads.start(bucket, name, said, call.conditions, total)
        address = f"{call.base}/upload/storage/v1/b/{bucket}/o?uploadType=resumable&upload_id={id}"
        return Reply(200, headers={"Location": address, "X-GUploader-UploadID": id})

    def _chunk(self, call: Call) -> Reply:
        done = self.uploads.put(
            call.route.query.get("upload_id", ""),
            call.headers.get("content-range"),
            call.body,
            resources.checksums(call.headers),
        )
        if isinstance(done, int):
            return Reply(308, headers={"Range": f"bytes=0-{done - 1}"} if done else {})
        return _object(call, done)

    def _cancel(self, call: Call) -> Reply:
        self.uploads.cancel(call.route.query.get("upload_id", ""))
        return Reply(499)


def _object(call: Call, one: Object) -> Reply:
    return Reply.json(resources.object(one, call.base))


def _name(route: Route, said: Mapping[str, Any]) -> str:
    """Returns the name of an object to be written, which comes in the address or the body."""
    asked, written = route.query.get("name"), said.get("name")
    if asked is None and written is None:
        raise Refused(400, "Required parameter: name", "required")
    if asked is not None and written is not None and asked != written:
        raise Refused(400, f"Value '{written}' in content does not agree with value '{asked}'.")
    return str(written if asked is None else asked)


def _after(token: str) -> str:
    """Returns the name or prefix after which a page begins."""
    try:
        return base64.urlsafe_b64decode(token).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Refused(400, f"Invalid page token: {token}", "invalidParameter") from error
