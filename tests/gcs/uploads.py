"""Resumable uploads: https://cloud.google.com/storage/docs/performing-resumable-uploads"""

import itertools
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.gcs.conditions import Conditions
from tests.gcs.content import Content
from tests.gcs.object import Object
from tests.gcs.objects import Store
from tests.gcs.refusals import Refused
from tests.gcs.routes import Route

QUANTUM = 256 * 1024  # bytes of which every chunk but the last must be a multiple
_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")


@dataclass
class Upload:
    """One upload that was begun; `done` is what came of it."""

    bucket: str
    name: str
    settings: Mapping[str, Any]
    conditions: Conditions
    total: int | None
    received: bytearray = field(default_factory=bytearray)
    done: Object | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True)
class Span:
    """A Content-Range: from `first` to before `end` of `total` bytes; `first` None asks for the state."""

    first: int | None
    end: int
    total: int | None

    @classmethod
    def of(cls, header: str | None, size: int) -> "Span":
        """Returns what a header says; without one the body is all there is."""
        if header is None:
            return cls(0, size, size)
        match = _RANGE.fullmatch(header)
        if match is None:
            raise Refused(400, f"Invalid Content-Range: {header}", "badContent")
        first, last, total = match.groups()
        span = cls(int(first) if first else None, int(last) + 1 if last else 0, None if total == "*" else int(total))
        if first and span.end - int(first) != size:
            raise Refused(400, f"Content-Range {header} does not fit the {size} bytes that were sent.", "badContent")
        if not first and size:
            raise Refused(400, f"Content-Range {header} came with {size} bytes.", "badContent")
        return span


class Uploads:
    """The uploads that were begun in a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._uploads: dict[str, Upload] = {}
        self._numbers = itertools.count(1)

    def start(
        self, bucket: str, name: str, settings: Mapping[str, Any], conditions: Conditions, total: int | None
    ) -> str:
        """Begins an upload and returns its id. What would refuse an insert refuses this, and again at its end."""
        self._store.may_insert(bucket, name, conditions)
        id = f"upload-{next(self._numbers)}"
        self._uploads[id] = Upload(bucket, name, settings, conditions, total)
        return id

    def find(self, id: str) -> Upload:
        """Returns an upload."""
        if id not in self._uploads:
            raise Refused(404, f"There is no upload {id}, or it was cancelled or refused.")
        return self._uploads[id]

    def locate(self, route: Route, header: str | None) -> Route:
        """Returns the route with the object's name, which an upload's address does not say.

        A question about the state is a write where it says that all has come, as it ends the upload.
        """
        upload = self._uploads.get(route.query.get("upload_id", ""))
        if upload is None or not route.operation.startswith("resumable."):
            return route
        ends = not upload.done and header == f"bytes */{len(upload.received)}"
        return replace(route, name=upload.name, operation="resumable.chunk" if ends else route.operation)

    def cancel(self, id: str) -> None:
        """Forgets an upload."""
        self.find(id)
        self._uploads.pop(id, None)

    def put(self, id: str, header: str | None, body: bytes, checksums: Mapping[str, str]) -> Object | int:
        """Takes a chunk and returns the object if it was the last one, else how many bytes are here.

        Bytes that are here already are passed over, so that a chunk may be sent twice.
        """
        upload = self.find(id)
        with upload.lock:
            if upload.done:
                return upload.done
            span = Span.of(header, len(body))
            self._fit(upload, span)
            here = len(upload.received)
            new = b"" if span.first is None else memoryview(body)[here - span.first :]
            if upload.total is None or here + len(new) < upload.total:
                if span.first is not None and len(body) % QUANTUM:
                    raise Refused(400, f"Every chunk but the last must be a multiple of {QUANTUM} bytes: {len(body)}.")
                upload.received += new
                return len(upload.received)
            return self._finish(id, upload, bytes(upload.received) + bytes(new), checksums)

    def keep(self, id: str, header: str | None, part: bytes) -> None:
        """Keeps of a chunk that was cut off the whole multiples of 256 KiB."""
        match = _RANGE.fullmatch(header or "bytes */*")
        upload = self.find(id)
        with upload.lock:
            first = int(match[1]) if match and match[1] else 0
            new = part[len(upload.received) - first :]
            if first <= len(upload.received) and not upload.done:
                upload.received += new[: len(new) // QUANTUM * QUANTUM]

    def _fit(self, upload: Upload, span: Span) -> None:
        """Refuses a chunk that leaves a gap or contradicts an earlier one; notes the total."""
        here = len(upload.received)
        if span.first is not None and span.first > here:
            raise Refused(400, f"The chunk begins at {span.first}, but {here} bytes are here.", "badContent")
        if span.total is not None:
            if span.total != (upload.total if upload.total is not None else span.total) or span.total < here:
                raise Refused(400, f"The total of {span.total} bytes contradicts what was said or sent.", "badContent")
            upload.total = span.total
        if upload.total is not None and span.end > upload.total:
            raise Refused(400, f"The chunk ends at {span.end}, past the total of {upload.total}.", "badContent")

    def _finish(self, id: str, upload: Upload, data: bytes, checksums: Mapping[str, str]) -> Object:
        content = Content.of(data)
        try:
            content.check(checksums)
            upload.done = self._store.insert(upload.bucket, upload.name, content, upload.settings, upload.conditions)
        except Refused as refused:
            if refused.status != 429:  # its last chunk may be sent again
                self._uploads.pop(id, None)
            raise
        upload.received = bytearray()
        return upload.done
