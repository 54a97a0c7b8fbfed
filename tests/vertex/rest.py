"""The fake by REST, which is how gcloud asks."""

import contextlib
import json
import re
import socket
import struct
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote, urlsplit

from google.protobuf import json_format

from tests.gcs.listener import listening as tcp_listening
from tests.vertex.jobs import KINDS, message_of
from tests.vertex.refusals import Refused
from tests.vertex.service import Service

_PATH = re.compile(r"/v1/(projects/[^/]+/locations/[^/]+)/(\w+)(?:/(\d+))?(?::(\w+))?")
_RESET = struct.pack("ii", 1, 0)  # linger for 0 s: close() sends RST


@contextlib.contextmanager
def listening(service: Service, port: int) -> Iterator[int]:
    """Serves for as long as the context lasts, and gives the port; of 0, any that is free."""
    with tcp_listening(port, type("BoundHandler", (Handler,), {"service": service})) as listener:
        yield listener.port


class Handler(BaseHTTPRequestHandler):
    """Reads requests and sends the replies."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    service: ClassVar[Service]

    def handle(self) -> None:
        """Serves requests until the connection ends, however it does."""
        try:
            super().handle()
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""

    def serve(self) -> None:
        """Serves one request."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query))
        try:
            status, reply = 200, self._answer(unquote(url.path), query, body)
        except Refused as refused:
            status, reply = refused.http, refused.as_json()
        except ConnectionError:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.connection.close()
            self.close_connection = True
            return
        content = json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve  # noqa: N815  http.server's names

    def _answer(self, path: str, query: dict[str, str], body: bytes) -> dict[str, Any]:
        match = _PATH.fullmatch(path)
        kind = KINDS.get(match[2]) if match else None
        if not match or not kind:
            raise Refused("NOT_FOUND", f"The fake knows no {path}.")
        parent, _, number, action = match.groups()
        name, service, store = f"{parent}/{kind.collection}/{number}", self.service, self.service.store
        as_numbers = "enum-encoding=int" in query.get("$alt", "")

        def as_json(job: Any) -> dict[str, Any]:
            return dict(json_format.MessageToDict(job, use_integers_for_enums=as_numbers))

        if self.command == "POST" and number and action == "cancel":
            service.do("cancel", kind, name, lambda: store.cancel(kind, name))
            return {}
        if self.command == "POST" and not number and not action:
            job = _parsed(body, message_of(kind)())
            return as_json(service.do("create", kind, parent, lambda: store.create(kind, parent, job)))
        if self.command == "GET" and number and not action:
            return as_json(service.do("get", kind, name, lambda: store.get(kind, name)))
        if self.command == "GET" and not action:
            given = (query.get("filter", ""), int(query.get("pageSize", 0)), query.get("pageToken", ""))
            jobs, token = service.do("list", kind, parent, lambda: store.listed(kind, parent, *given))
            return {kind.collection: [as_json(job) for job in jobs]} | ({"nextPageToken": token} if token else {})
        raise Refused("NOT_FOUND", f"The fake knows no {self.command} {path}.")


def _parsed(body: bytes, message: Any) -> Any:
    try:
        return json_format.Parse(body, message)
    except json_format.ParseError as error:
        raise Refused("INVALID_ARGUMENT", f"Invalid JSON payload received. {error}") from None
