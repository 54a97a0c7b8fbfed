"""The client of the process that starts trials."""

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

ISOLATIONS = ("fork", "process")


class Server:
    """`python -m trainer.task_server`, which ends, and its trials with it, when the context does.

    Args:
      isolation: `fork` or `process`.
      lock: a file descriptor that every trial inherits.
      variables: its environment.
    """

    def __init__(self, isolation: str, lock: int, variables: Mapping[str, str]):
        command = [sys.executable, "-m", "trainer.task_server", f"--isolation={isolation}"]
        # In a session of its own the terminal's Ctrl-C reaches the study alone, which then has the trials save.
        self._process = subprocess.Popen(
            command,
            env=dict(variables),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[lock],
            start_new_session=True,
        )
        self._rest = b""

    def __enter__(self) -> "Server":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        stdin, stdout = self._streams()
        stdin.close()
        self._process.wait()
        stdout.close()

    def start(
        self, trial: int, arguments: Sequence[str], environment: Mapping[str, str], log: Path, cores: Sequence[int]
    ) -> None:
        """Starts a trial.

        Args:
          trial: its number.
          arguments: flags of `trainer.task`.
          environment: all its variables.
          log: takes its output, at the end.
          cores: which it runs on.
        """
        self._ask(
            {
                "start": trial,
                "arguments": list(arguments),
                "environment": dict(environment),
                "log": str(log),
                "cores": list(cores),
            }
        )

    def stop(self, trial: int) -> None:
        """Asks a trial to save and end."""
        self._ask({"stop": trial})

    def kill(self, trial: int) -> None:
        """Ends a trial at once."""
        self._ask({"kill": trial})

    def events(self, seconds: float) -> Iterator[dict[str, Any]]:
        """Yields the events that have happened, after waiting for one for at most some seconds.

        Raises:
          ChildProcessError: the server has ended.
        """
        _, stdout = self._streams()
        if not select.select([stdout], [], [], seconds)[0]:
            return
        content = os.read(stdout.fileno(), 65536)
        if not content:
            raise ChildProcessError(f"the process that starts the trials ended with status {self._process.wait()}")
        *lines, self._rest = (self._rest + content).split(b"\n")
        for line in lines:
            yield json.loads(line)

    def _ask(self, request: Mapping[str, Any]) -> None:
        stdin, _ = self._streams()
        try:
            stdin.write(json.dumps(request).encode() + b"\n")
            stdin.flush()
        except BrokenPipeError:
            raise ChildProcessError(
                f"the process that starts the trials ended with status {self._process.wait()}"
            ) from None

    def _streams(self) -> tuple[Any, Any]:
        return self._process.stdin, self._process.stdout
