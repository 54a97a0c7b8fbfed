"""The parent's end of a long-living peer: a process that trains one epoch for each "go"."""

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

_PATIENCE = 60  # seconds for a peer to end by itself


class Peer:
    """A peer that is set up and has trained one epoch to warm up. A context manager.

    Args:
      module: its file in `benchmarks.peers`.
      setting: what it trains, and how.
      popen: starts the process.
      variables: the process's environment; by default this one's without accelerators.

    Raises:
      ProcessDiedError: it ended before its time; what it wrote to standard error is shown.
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
        """Has one epoch trained and validated, keeps what it came to, and returns its seconds."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # its end is told where its answer is missed
            print("go", file=self._process.stdin, flush=True)
        self.epochs.append(self._receive())
        return float(self.epochs[-1]["seconds"])

    def figures(self, name: str) -> list[float]:
        """Returns one of the figures that it reported, for each epoch."""
        return [float(epoch[name]) for epoch in self.epochs]

    def close(self) -> None:
        """Ends the process, which its end of input asks for."""
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
