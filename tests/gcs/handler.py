"""One connection to the fake: HTTP/1.1, and what goes wrong on it."""

import socket
import struct
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from typing import ClassVar, NoReturn

from tests.gcs import batch, faults, fields, multipart, routes
from tests.gcs.api import Call
from tests.gcs.body import Body, CutOffError
from tests.gcs.refusals import Refused
from tests.gcs.reply import Reply
from tests.gcs.routes import Route
from tests.gcs.service import Record, Service

_RESET = struct.pack("ii", 1, 0)  # linger for 0 s: close() sends RST
_UNKNOWN = Route("unknown", "", "", "", "", {}, (), xml=False)


class Handler(BaseHTTPRequestHandler):
    """Reads requests, meets their faults, and sends the replies."""

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
        """Says nothing; the log is in the records."""

    def serve(self) -> None:
        """Serves one request."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = Body(self.rfile, headers)
        try:
            route, refused = routes.find(self.command, self.path, headers.get("content-range")), None
        except Refused as error:
            route, refused = _UNKNOWN, error
        route = self._named(route, body, headers.get("content-range"))
        record = self.service.note(self.command, route, body.size)
        content = self._read(route, headers, body, record)
        self.service.wait(self.service.latency)
        if isinstance(record.fault, faults.Stall | faults.Delay):
            self.service.wait(record.fault.seconds, release=isinstance(record.fault, faults.Stall))
        if isinstance(record.fault, faults.Reset):
            self._reset()
        reply = self._answer(Call(route, headers, content, self._base(headers)), refused, record)
        if isinstance(record.fault, faults.LostReply):
            self._reset()
        self._send(reply, record)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve  # noqa: N815  http.server's names

    def _named(self, route: Route, body: Body, content_range: str | None) -> Route:
        """Returns the route with the object's name, which some addresses do not say."""
        if route.operation in ("objects.insert", "resumable.start") and not route.name:
            return replace(route, name=multipart.name_in(body.head()))
        return self.service.api.uploads.locate(route, content_range)

    def _read(self, route: Route, headers: dict[str, str], body: Body, record: Record) -> bytes:
        """Returns the request's body; resets the connection where a fault or the client cuts it off."""
        try:
            content = body.read(record.fault.after if isinstance(record.fault, faults.CutRequest) else None)
            cut = isinstance(record.fault, faults.CutRequest)
        except CutOffError as error:
            content, cut = error.part, True
        record.received = len(content)
        if cut:
            if route.operation == "resumable.chunk":
                self.service.api.uploads.keep(route.query.get("upload_id", ""), headers.get("content-range"), content)
            self._reset()
        return content

    def _base(self, headers: dict[str, str]) -> str:
        host = headers.get("host", "")
        scheme = "https" if host.endswith("googleapis.com") else "http"  # only the proxy, which ends TLS, brings those
        return f"{scheme}://{host}"

    def _answer(self, call: Call, refused: Refused | None, record: Record) -> Reply:
        if isinstance(record.fault, faults.Status):
            fault = Refused(record.fault.code, "The fault that a test asked for.")
            return Reply.refusal(fault, xml=call.route.xml, retry_after=record.fault.retry_after)
        if not self.service.authorized:
            return Reply.refusal(Refused(401, "Invalid Credentials"), xml=call.route.xml)
        if refused is not None:
            return Reply.refusal(refused)
        if call.route.operation == "batch":
            return batch.answer(self.service.api, call, self.service.note_batched)
        return fields.select(self.service.api.answer(call), call.route.query.get("fields"))

    def _reset(self) -> NoReturn:
        """Ends the connection with RST, which only closing does: a shutdown would send FIN before."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.rfile.close()
        self.wfile.close()
        self.connection.close()
        raise ConnectionResetError

    def _send(self, reply: Reply, record: Record) -> None:
        body = reply.body
        if isinstance(record.fault, faults.Flip) and record.fault.at < len(body):
            at = record.fault.at
            body = body[:at] + bytes([body[at] ^ 0xFF]) + body[at + 1 :]
        if isinstance(record.fault, faults.CutReply):
            body = body[: record.fault.after]
            self.close_connection = True
        record.status, record.sent = reply.status, len(body)  # before the client can see the reply, and look
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status not in (204, 304):
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(body)
