"""Trials for tests: real ones, as `trainer.task_server` starts them."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any


class Client:
    """Speaks to one server.

    Args:
      isolation: `fork` or `process`.
    """

    def __init__(self, isolation: str):
        command = [sys.executable, "-m", "trainer.task_server", f"--isolation={isolation}"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.event() == {"ready": True}

    def ask(self, request: Mapping[str, Any]) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()

    def event(self) -> Any:
        assert self.process.stdout
        return json.loads(self.process.stdout.readline())

    def start(
        self, trial: int, arguments: Sequence[str], log: Path, cores: Sequence[int] = (0,), **variables: str
    ) -> int:
        """Starts a trial and returns its process."""
        environment = {**os.environ, **variables}
        request = {"start": trial, "arguments": arguments, "environment": environment, "log": str(log)}
        self.ask({**request, "cores": list(cores)})
        begun = self.event()
        assert begun["started"] == trial
        return int(begun["process"])

    def ends(self, count: int) -> dict[int, int]:
        """Returns the exit statuses of the next trials that end."""
        return {event["ended"]: event["status"] for event in (self.event() for _ in range(count))}

    def close(self) -> None:
        """Ends the server and its trials."""
        if self.process.stdin:
            self.process.stdin.close()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()


@contextlib.contextmanager
def serving(isolation: str) -> Iterator[Client]:
    """Gives a server, which ends with the context."""
    client = Client(isolation)
    try:
        yield client
    finally:
        client.close()


def wait_for(log: Path, text: str, process: int) -> None:
    """Returns when a log has a text.

    Raises:
      AssertionError: the process that writes it has ended before.
    """
    command = ["tail", f"--pid={process}", "-n", "+1", "-F", str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as tail:
        assert tail.stdout
        for line in tail.stdout:
            if text in line.decode():
                tail.kill()
                return
    raise AssertionError(log.read_text())
