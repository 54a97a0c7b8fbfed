"""A fake of Google Cloud Storage on this machine: `python -m tests.gcs.server --port=4443 --bucket=demo`

It is strict where the service is, so that what passes here shows something: `objects.py` has the rules, `routes.py`
what it knows. What it does not know it refuses with 404 or 501.
"""

import argparse
import contextlib
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.gcs.api import Api
from tests.gcs.faults import Hook
from tests.gcs.folder import Folder
from tests.gcs.handler import Handler
from tests.gcs.limit import RateLimit, unlimited
from tests.gcs.listener import Listener, listening
from tests.gcs.objects import Changed, Store, ignore
from tests.gcs.service import Record, Service


class Server:
    """A fake that is running."""

    def __init__(self, listener: Listener, service: Service) -> None:
        self._listener = listener
        self._service = service
        self._store = service.api.store
        self._clients: list[Any] = []

    @property
    def url(self) -> str:
        """Where it is, for `STORAGE_EMULATOR_HOST`."""
        return f"http://127.0.0.1:{self._listener.port}"

    @property
    def fault(self) -> Hook | None:
        """What is asked at every request for a fault; may be set while it runs."""
        return self._service.fault

    @fault.setter
    def fault(self, hook: Hook | None) -> None:
        self._service.fault = hook

    @property
    def authorized(self) -> bool:
        """Whether callers are known; set to False, all is answered 401."""
        return self._service.authorized

    @authorized.setter
    def authorized(self, known: bool) -> None:
        self._service.authorized = known

    @property
    def latency(self) -> float:
        """Seconds that every request takes at least; may be set while it runs."""
        return self._service.latency

    @latency.setter
    def latency(self, seconds: float) -> None:
        self._service.latency = seconds

    @property
    def release(self) -> threading.Event:
        """Set, it lets all that is stalled go on; clear it before the next stall."""
        return self._service.release

    @property
    def requests(self) -> list[Record]:
        """What was asked, in the order in which it came."""
        with self._service.lock:
            return list(self._service.records)

    def clear(self) -> None:
        """Empties the log."""
        with self._service.lock:
            self._service.records.clear()

    def client(self) -> Any:
        """Returns a `google.cloud.storage.Client` on it, which ends with it."""
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import storage

        client = storage.Client(
            project="test", credentials=AnonymousCredentials(), client_options={"api_endpoint": self.url}
        )
        # Its cache asks for the bucket in a thread of its own, at a moment that differs from run to run.
        client._bucket_metadata_cache = None
        # Of a download that is refused it leaves the reply unread, and its socket to a ResourceWarning.
        client._http.hooks["response"].append(_read_refusal)
        self._clients.append(client)
        return client

    def objects(self, bucket: str) -> dict[str, bytes]:
        """Returns what is in a bucket now."""
        return self._store.contents(bucket)

    def put(self, bucket: str, name: str, content: bytes) -> int:
        """Writes an object past all rules and returns its generation."""
        return self._store.put(bucket, name, content).generation

    def remove(self, bucket: str, name: str) -> None:
        """Deletes an object past all rules."""
        self._store.remove(bucket, name)

    def generation(self, bucket: str, name: str) -> int | None:
        """Returns an object's generation, None where there is none."""
        one = self._store.peek(bucket, name)
        return one.generation if one else None

    def grant(self, bucket: str, permissions: Collection[str] | None) -> None:
        """Lets callers do in a bucket only what these permissions say; None is everything."""
        self._store.grant(bucket, permissions)

    def serve_here(self, connection: socket.socket) -> None:
        """Serves a connection that came another way, in this thread and until it ends."""
        self._listener.serve_here(connection)

    def close(self) -> None:
        """Ends all waiting and all clients."""
        self._service.closing.set()
        self._service.release.set()
        for client in self._clients:
            client.close()


def _read_refusal(reply: Any, **_: object) -> None:
    """Reads what `requests` calls it with to its end where it is a refusal."""
    if not reply.ok:
        reply.content  # noqa: B018  reads


@contextlib.contextmanager
def serve(
    buckets: Collection[str] = ("bucket",),
    latency: float = 0.0,
    rate_limit: bool = True,
    clock: Callable[[], float] = time.monotonic,
    fault: Hook | None = None,
    port: int = 0,
    changed: Changed = ignore,
) -> Iterator[Server]:
    """Runs a fake for as long as the context lasts.

    Args:
      buckets: names of those there are at first.
      latency: seconds that every request takes at least.
      rate_limit: refuses a second write to one object within a second; see `limit.py`.
      clock: what that second is measured by.
      fault: what is asked at every request for a fault; see `faults.py`.
      port: 0 is any that is free.
      changed: told of each change; see `objects.py`.
    """
    store = Store(buckets, RateLimit(clock) if rate_limit else unlimited, changed)
    service = Service(Api(store), latency, fault)
    with listening(port, type("BoundHandler", (Handler,), {"service": service})) as listener:
        server = Server(listener, service)
        try:
            yield server
        finally:
            server.close()


def main(arguments: Sequence[str]) -> int:
    """Serves until Ctrl-C, and returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.gcs.server", description="A fake of Google Cloud Storage.")
    parser.add_argument("--port", type=int, default=4443)
    parser.add_argument("--bucket", action="append", help="may be given several times; demo by default")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that every request takes at least")
    parser.add_argument("--folder", type=Path, help="keeps the objects there too, as files to look at")
    given = parser.parse_args(arguments)
    buckets = given.bucket or ["demo"]
    changed = Folder(given.folder) if given.folder else ignore
    ends = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)  # waiting for an event misses a signal that comes just before it
    with serve(buckets, given.latency, port=given.port, changed=changed) as server:
        said = f"gs://{', gs://'.join(buckets)}: export STORAGE_EMULATOR_HOST={server.url}  (Ctrl-C ends it)"
        print(said, flush=True)
        signal.sigwait(ends)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
