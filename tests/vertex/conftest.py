"""A fake for each test."""

from collections.abc import Iterator

import pytest

from tests.vertex.server import Server, serve


@pytest.fixture
def server() -> Iterator[Server]:
    """A fake without jobs."""
    with serve() as server:
        yield server
