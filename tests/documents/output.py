"""What a process prints, read while it runs."""

import re
import socket
import subprocess
import threading
import time

_ADDRESS = re.compile(r"https?://(?:\[([0-9a-f:]+)\]|([\w.-]+)):(\d+)")
_SHOWN = 6000  # characters: what comes before is seldom why something fails
_FLUSH = 5.0  # seconds for what a process that has ended printed to arrive


class Output:
    """Reads what a process prints.

    Args:
      process: with a pipe for its output, which is text.
    """

    def __init__(self, process: "subprocess.Popen[str]"):
        self._process = process
        self._lines: list[str] = []
        self._news, self._has_ended = threading.Condition(), False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def end(self) -> str:
        """Returns the last lines, after the process has ended all of them."""
        if self._process.poll() is not None:
            self._thread.join(_FLUSH)
        with self._news:
            return "".join(self._lines)[-_SHOWN:]

    def wait_for_address(self, seconds: float) -> bool:
        """Waits until the process has printed a URL that takes connections; returns whether it has."""
        deadline = time.monotonic() + seconds
        with self._news:
            self._news.wait_for(lambda: self._has_ended or self._address() is not None, seconds)
            address = self._address()
        while address and self._process.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection(address, 1.0).close()
            except OSError:
                with self._news:
                    self._news.wait_for(lambda: self._has_ended, 0.1)
            else:
                return True
        return False

    def close(self) -> None:
        """Ends the reading, once the process and what it has started have ended."""
        self._thread.join(_FLUSH)
        if self._process.stdout and not self._thread.is_alive():
            self._process.stdout.close()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            with self._news:
                self._lines.append(line)
                self._news.notify_all()
        with self._news:
            self._has_ended = True
            self._news.notify_all()

    def _address(self) -> tuple[str, int] | None:
        found = _ADDRESS.search("".join(self._lines))
        return (found[1] or found[2], int(found[3])) if found else None
