"""An application, served over real HTTP by a thread of the tests."""

import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Iterable, Iterator
from typing import Any

import uvicorn
from starlette.applications import Starlette


class Client:
    """Asks a server on this machine, over a connection for each request."""

    def __init__(self, port: int):
        self._port = port

    def ask(self, method: str, path: str, body: bytes | Iterable[bytes] | None = None) -> tuple[int, Any, Any]:
        """Returns the status, the headers and what the JSON of the answer holds."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)) as connection:
            connection.request(method, path, body)
            response = connection.getresponse()
            return response.status, response.headers, json.loads(response.read())

    def post(self, path: str, *instances: Any) -> tuple[int, Any, Any]:
        return self.ask("POST", path, json.dumps({"instances": instances}).encode())


@contextlib.contextmanager
def served(app: Starlette) -> Iterator[Client]:
    """Serves an application meanwhile."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", ws="none"))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield Client(listening.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join(30)
