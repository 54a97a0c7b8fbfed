"""A server that ends when it is told to: it knows its connections."""

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator
from typing import Any


class Listener(socketserver.ThreadingTCPServer):
    """Listens on loopback and serves each connection in a thread of its own."""

    allow_reuse_address = True
    daemon_threads = False  # so that closing waits for them
    request_queue_size = 128

    def __init__(self, port: int, handler: type[socketserver.BaseRequestHandler]) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), handler)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def note(self, connection: socket.socket) -> None:
        """Lets `hang_up` end a connection."""
        self._open.add(connection)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Notes a connection, then serves it."""
        self.note(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Ends a connection."""
        self._open.discard(request)
        super().shutdown_request(request)

    def serve_here(self, connection: socket.socket) -> None:
        """Serves a connection that came another way, in this thread and until it ends."""
        self.note(connection)
        self.process_request_thread(connection, connection.getpeername())

    def hang_up(self) -> None:
        """Ends all connections, whatever is going on."""
        for one in list(self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def listening(port: int, handler: type[socketserver.BaseRequestHandler]) -> Iterator[Listener]:
    """Runs a listener for as long as the context lasts; no thread or connection outlives it."""
    with Listener(port, handler) as listener:
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01}, name="listener")
        thread.start()
        try:
            yield listener
        finally:
            listener.shutdown()
            listener.hang_up()
            thread.join()
