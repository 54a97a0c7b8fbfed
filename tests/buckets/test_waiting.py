"""All that a storage waits for passes by the clock that it is given: no retry and no deadline takes real seconds."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.buckets.fast_clock import FastClock
from tests.buckets.scripted import Run, places
from tests.gcs import faults
from tests.gcs.server import Server, serve
from trainer.buckets.objects.failure import UnreachableError
from trainer.buckets.storage import Storage
from trainer.errors import StorageError


@pytest.fixture
def server() -> Iterator[Server]:
    with serve(rate_limit=False) as server:
        yield server


@pytest.fixture
def storage(server: Server, tmp_path: Path) -> Iterator[tuple[Storage, list[str]]]:
    """A storage with its usual patience of 30 s and pauses of 0.5 to 4 s, and the lines that it logs."""
    lines: list[str] = []
    fast = FastClock()
    storage = Storage(places(tmp_path), log=lines.append, client=server.client(), clock=fast.now, wait=fast.wait)
    storage.begin()
    yield storage, lines
    storage.close()


def test_half_a_minute_of_retries(server: Server, storage: tuple[Storage, list[str]], tmp_path: Path) -> None:
    Run(tmp_path).go_on()
    server.fault = faults.when(lambda request: True, faults.Status(503))
    begun = time.monotonic()
    with pytest.raises(UnreachableError):
        storage[0].sync()
    assert time.monotonic() - begun < 5


def test_a_bell_that_nobody_rings_and_a_deadline_of_ten_minutes(
    server: Server, storage: tuple[Storage, list[str]], tmp_path: Path
) -> None:
    Run(tmp_path).go_on()
    server.fault = faults.when(lambda request: True, faults.Status(503))
    begun = time.monotonic()
    storage[0].start()
    with pytest.raises(StorageError, match=r"not uploaded within 600 s: .* \(gs://bucket: cannot .*503"):
        storage[0].finish(600)
    assert time.monotonic() - begun < 10
    assert any(": waiting for the upload of " in line for line in storage[1])
