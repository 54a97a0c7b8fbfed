"""The simulated bucket service, which counts the requests to each bucket, and its address."""

import contextlib
import dataclasses
import importlib.util
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any
from unittest import mock

from tests.gcs import multipart
from tests.gcs.server import Server, serve

_PATIENCE = 120.0  # seconds until a checkpoint must arrive


class Arrivals:
    """The times at which checkpoints became visible in each bucket."""

    def __init__(self) -> None:
        self._times: list[tuple[str, float]] = []
        self._heard = threading.Condition()

    def __call__(self, bucket: str, name: str, content: bytes | None) -> None:
        """Records a change of an object."""
        if content is not None and PurePosixPath(name).name in ("latest.json", "checkpoint"):
            with self._heard:
                self._times.append((bucket, time.monotonic()))
                self._heard.notify_all()

    def after(self, bucket: str, moment: float) -> float:
        """Waits for the first checkpoint after a moment, and returns its time.

        Raises:
          TimeoutError: no checkpoint arrived.
        """

        def first() -> float | None:
            return next((when for where, when in self._times if where == bucket and when > moment), None)

        with self._heard:
            found = self._heard.wait_for(first, _PATIENCE)
        if found is None:
            raise TimeoutError(f"no checkpoint came to {bucket} within {_PATIENCE:.0f} s")
        return found


@dataclasses.dataclass(frozen=True)
class Service:
    """The simulation while it runs.

    Attributes:
      server: the server.
      arrivals: the arrival times of checkpoints.
      variables: the environment of a process that uses it.
      is_tls: whether it has Google's host names, the only ones that TensorFlow accepts.
    """

    server: Server
    arrivals: Arrivals
    variables: Mapping[str, str]
    is_tls: bool

    def traffic(self, bucket: str, begin: int = 0) -> tuple[int, int]:
        """Returns the bytes sent to a bucket and the number of its requests, without the first few requests of all."""
        records = [record for record in self.server.requests[begin:] if record.bucket == bucket]
        return sum(record.received for record in records), len(records)

    def settle(self) -> None:
        """Waits until there are no more requests."""
        before, count = -1, len(self.server.requests)
        while count != before:
            time.sleep(0.1 + 3 * self.server.latency)
            before, count = count, len(self.server.requests)


@contextlib.contextmanager
def serving(buckets: Collection[str], latency: float) -> Iterator[Service]:
    """Runs the simulation, without its limit of one write a second to an object.

    Args:
      buckets: the names of the buckets.
      latency: the minimum seconds of every request.
    """
    arrivals, is_tls = Arrivals(), importlib.util.find_spec("trustme") is not None
    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.object(multipart, "parse_json", partial(_parse, multipart.parse_json)))
        server = stack.enter_context(serve(buckets, latency, rate_limit=False, changed=arrivals))
        variables: Mapping[str, str] = {"STORAGE_EMULATOR_HOST": server.url}
        if is_tls:
            from tests.gcs.proxy import through_tls

            folder = stack.enter_context(tempfile.TemporaryDirectory())
            through = stack.enter_context(through_tls(server, Path(folder)))
            variables = {**through, "REQUESTS_CA_BUNDLE": through["CURL_CA_BUNDLE"]}
        yield Service(server, arrivals, variables, is_tls)


def _parse(strictly: Callable[[bytes], dict[str, Any]], body: bytes) -> dict[str, Any]:
    """Parses TensorFlow's request to compose: JSON with single quotes (gcs_file_system.cc), as the service does."""
    return strictly(body.replace(b"'", b'"') if body.startswith(b"{'") else body)
