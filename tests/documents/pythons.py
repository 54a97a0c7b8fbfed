"""Processes for the `python` of a scratch copy that do not import TensorFlow again."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import TracebackType

from tests import forked

_FIRST = Path(__file__).parent / "stand_ins" / "forked.py"


class Pythons:
    """Forks a process for each `stand_ins/python.py` that asks. A context manager; no process outlives it.

    Args:
      executable: the path of that `python`, which is the `sys.executable` of the forked processes too.

    Attributes:
      address: the path of the socket, the value of `TRAINER_PYTHONS`.
    """

    def __init__(self, executable: Path):
        self._executable = executable
        self._folder = tempfile.TemporaryDirectory(prefix="pythons-")  # a socket's path has 107 bytes at most
        self.address = str(Path(self._folder.name) / "socket")
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.address)
        self._listener.listen()
        self._connections: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> "Pythons":
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads[:1]:
            thread.join()
        for connection in self._connections:
            with contextlib.suppress(OSError):  # its process has ended
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads[1:]:
            thread.join()
        self._listener.close()
        self._folder.cleanup()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # the listener is shut down
                return
            self._connections.append(connection)
            self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
            self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        """Runs the process that a connection asks for, and reports its status there."""
        with connection:
            size, streams, *_ = socket.recv_fds(connection, 4, 3)
            if not streams:  # who asked was killed at once
                return
            request = json.loads(connection.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL))
            process = forked.Popen(
                [sys.executable, str(_FIRST), str(self._executable), *request["words"]],
                env=request["environment"],
                cwd=request["folder"],
                **dict(zip(("stdin", "stdout", "stderr"), streams, strict=True)),
            )
            for stream in streams:
                os.close(stream)
            signals = threading.Thread(target=_pass_on, args=(connection, process))
            signals.start()
            status = process.wait()
            with contextlib.suppress(OSError):  # who asked was killed
                connection.sendall(status.to_bytes(4, "big", signed=True))
                connection.shutdown(socket.SHUT_RDWR)
            signals.join()


def _pass_on(connection: socket.socket, process: "subprocess.Popen[bytes]") -> None:
    """Sends a process the signals that arrive on a connection, and SIGKILL at its end."""
    with contextlib.suppress(OSError):
        while numbers := connection.recv(1):
            process.send_signal(numbers[0])
    process.kill()
