"""The parent's side of a long-running peer: a process that trains one epoch for each "go"."""

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from benchmarks.peers import command
from benchmarks.peers.setting import Setting

_PATIENCE = 60  # seconds that a peer has to end by itself


class Peer:
    """A peer that has trained one epoch to warm up. A context manager.

    Args:
      module: its file in `benchmarks.peers`.
      setting: the task of the peer.
      popen: starts the process.
      variables: the environment of the process; by default that of this process without accelerators.

    Raises:
      ProcessDiedError: it ended too early; its standard error is shown.
    """

    def __init__(
        self,
        module: str,
        setting: Setting,
        popen: command.Popen = subprocess.Popen,
        variables: Mapping[str, str] | None = None,
    ):
        self._module = module
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed with the peer
        self._process = popen(
            [sys.executable, "-m", f"benchmarks.peers.{module}", setting.to_json()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            cwd=command.ROOT,
            env=command.environment() if variables is None else variables,
            text=True,
        )
        self.epochs: list[dict[str, Any]] = []
        try:
            self.ready = self._receive()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Peer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def epoch(self) -> float:
        """Makes the peer train and validate one epoch, records the results, and returns the seconds."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # its end is reported when its answer is read
            print("go", file=self._process.stdin, flush=True)
        self.epochs.append(self._receive())
        return float(self.epochs[-1]["seconds"])

    def figures(self, name: str) -> list[float]:
        """Returns one of the reported figures for each epoch."""
        return [float(epoch[name]) for epoch in self.epochs]

    def close(self) -> None:
        """Ends the process by closing its input."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdout.close()
        try:
            self._process.stdin.close()
            self._process.wait(_PATIENCE)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        self._errors.close()

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            status = self._process.wait()
            self._errors.seek(0)
            raise command.ProcessDiedError(command.show(self._module, status, self._errors.read()))
        return dict(json.loads(line))
