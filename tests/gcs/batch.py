"""Many calls in one request: https://cloud.google.com/storage/docs/batch"""

from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlsplit

from tests.gcs import multipart, routes
from tests.gcs.api import Api, Call
from tests.gcs.refusals import Refused
from tests.gcs.reply import Reply
from tests.gcs.routes import Route

_MOST = 100
_FENCE = "batch_of_the_fake"


def answer(api: Api, call: Call, note: Callable[[str, Route, int], None]) -> Reply:
    """Returns the replies to all calls in a batch, in their order, after noting each."""
    try:
        parts = multipart.parts(call.headers.get("content-type", ""), call.body)
        if len(parts) > _MOST:
            raise Refused(400, f"The batch must have at most {_MOST} calls. Received: {len(parts)}")
    except Refused as refused:
        return Reply.refusal(refused)
    answers = [_part(number, _one(api, content, call.base, note)) for number, (_, content) in enumerate(parts, 1)]
    body = b"".join(answers) + f"--{_FENCE}--\r\n".encode()
    return Reply(200, body, {"Content-Type": f"multipart/mixed; boundary={_FENCE}"})


def _one(api: Api, content: bytes, base: str, note: Callable[[str, Route, int], None]) -> Reply:
    head, _, body = content.replace(b"\r\n", b"\n").partition(b"\n\n")
    line, *lines = head.decode().split("\n")
    method, target, *_ = line.split(" ")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    address = urlsplit(target)
    try:
        route = routes.find(method, f"{address.path}?{address.query}")
        if route.operation in ("objects.media", "objects.insert", "batch") or route.operation.startswith("resumable"):
            raise Refused(400, "Batches cannot upload, download or hold batches.")
    except Refused as refused:
        return Reply.refusal(refused)
    reply = api.answer(Call(route, headers, body, base))
    note(method, route, reply.status)
    return reply


def _part(number: int, reply: Reply) -> bytes:
    try:
        phrase = HTTPStatus(reply.status).phrase
    except ValueError:
        phrase = "Unknown"
    headers = "".join(f"{name}: {value}\r\n" for name, value in reply.headers.items())
    return (
        f"--{_FENCE}\r\nContent-Type: application/http\r\nContent-ID: <response-{number}>\r\n\r\n"
        f"HTTP/1.1 {reply.status} {phrase}\r\n{headers}Content-Length: {len(reply.body)}\r\n\r\n"
    ).encode() + (reply.body + b"\r\n")
