"""A fake of Vertex AI's job service on this machine, by gRPC and by REST.

What it refuses is in `rules.py`; what becomes of its jobs, a test or a script says.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import grpc
from google.auth.credentials import AnonymousCredentials
from google.cloud.aiplatform_v1 import JobServiceClient
from google.cloud.aiplatform_v1.services.job_service.transports.grpc import JobServiceGrpcTransport
from google.cloud.aiplatform_v1.services.job_service.transports.rest import JobServiceRestTransport

from tests.vertex import rest, rpc
from tests.vertex.jobs import Store
from tests.vertex.service import Fault, Request, Service

PROJECT, REGION = "demo-project", "europe-west4"
PARENT = f"projects/{PROJECT}/locations/{REGION}"
TRANSPORTS = ("grpc", "rest")


class Server:
    """A fake that is running."""

    def __init__(self, service: Service):
        self.store, self._service = service.store, service
        self._stack = contextlib.ExitStack()
        self._clients = contextlib.ExitStack()
        self.ports = {"grpc": 0, "rest": 0}

    @property
    def url(self) -> str:
        """Where it is by REST."""
        return f"http://127.0.0.1:{self.ports['rest']}/"

    @property
    def requests(self) -> list[Request]:
        """What was asked, in order."""
        return self._service.requests

    def fault(self, hook: Callable[[Request], Fault]) -> None:
        """Takes what is asked at every request for what goes wrong with it."""
        self._service.fault = hook

    def start(self) -> None:
        """Listens; after `stop`, on the same ports again."""
        ports, service = self.ports, self._service
        ports["grpc"] = self._stack.enter_context(rpc.listening(service, ports["grpc"]))
        ports["rest"] = self._stack.enter_context(rest.listening(service, ports["rest"]))

    def stop(self) -> None:
        """Breaks all connections, and takes no new ones."""
        self._stack.close()

    def client(self, transport: str) -> JobServiceClient:
        """Returns Google's own client on it, which ends with it."""
        return JobServiceClient(transport=self._grpc() if transport == "grpc" else self._rest())

    def close(self) -> None:
        """Ends all clients."""
        self._clients.close()

    def _grpc(self) -> Any:
        options = [("grpc.initial_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 100)]
        channel = grpc.insecure_channel(f"127.0.0.1:{self.ports['grpc']}", options=options)
        self._clients.callback(channel.close)
        return JobServiceGrpcTransport(channel=channel)

    def _rest(self) -> Any:
        host = f"127.0.0.1:{self.ports['rest']}"
        transport = JobServiceRestTransport(host=host, url_scheme="http", credentials=AnonymousCredentials())
        self._clients.callback(transport.close)
        return transport


@contextlib.contextmanager
def serve(project: str = PROJECT, region: str = REGION) -> Iterator[Server]:
    """Runs a fake for as long as the context lasts.

    Args:
      project: the id of its one project.
      region: its one region.
    """
    server = Server(Service(Store(project, region)))
    server.start()
    try:
        yield server
    finally:
        server.close()
        server.stop()
