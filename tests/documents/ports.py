"""The ports that documents name, for one test at a time."""

import contextlib
import fcntl
import re
import socket
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

# Where no --port is given. TensorBoard takes the next one, and says so, where somebody has its own.
_USUAL = {"trainer.serve": 8080, "trainer.tensorboard": 6006, "make tensorboard": 6006, "make serve": 8080}
_GIVEN = re.compile(r"--port[= ](\d+)|--publish[= ][\d.]*?:?(\d+):|localhost:(\d+)|127\.0\.0\.1:(\d+)")


def named(commands: str) -> set[int]:
    """Returns the ports that a server will listen on, by its commands."""
    given = {int(port) for found in _GIVEN.findall(commands) for port in found if port}
    return given or {port for program, port in _USUAL.items() if program in commands}


@contextlib.contextmanager
def taken(ports: Collection[int]) -> Iterator[None]:
    """Keeps other tests of documents from these ports meanwhile; waits for those that have them.

    Raises:
      OSError: another program listens on one.
    """
    with contextlib.ExitStack() as locks:
        for port in sorted(ports):  # in one order, so that no two wait for each other
            lock = locks.enter_context((Path(tempfile.gettempdir()) / f"trainer-documents-{port}.lock").open("w"))
            fcntl.flock(lock, fcntl.LOCK_EX)
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError as error:
                    raise OSError(
                        f"port {port} must be free, as the document names it. Received: {error.strerror}"
                    ) from None
        yield
