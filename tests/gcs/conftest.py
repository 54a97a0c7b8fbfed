"""A fake for each test, and clients of it."""

from collections.abc import Iterator

import pytest
import requests
from google.cloud import storage

from tests.gcs.server import Server, serve


@pytest.fixture
def server() -> Iterator[Server]:
    """A fake with one bucket, in which objects may be written as often as one likes."""
    with serve(rate_limit=False) as server:
        yield server


@pytest.fixture
def bucket(server: Server) -> storage.Bucket:
    """That bucket, by Google's own client."""
    return server.client().bucket("bucket")


@pytest.fixture
def http() -> Iterator[requests.Session]:
    """A client that sends what it is told."""
    with requests.Session() as session:
        yield session
