"""A source tree of the package, its processes, and what their output holds besides times, rates and paths."""

import dataclasses
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

_LIMIT = 1800.0  # seconds that one process may take
_POLL = 0.01  # seconds between two looks for a file
_CLEARED = re.compile(r"AIP_|CLOUD_ML_|TF_|TPU_NAME|CLUSTER_SPEC|STORAGE_EMULATOR_HOST|PYTHONPATH")
_MASKS = (
    (r"\b\d[\d,.]* images/s", "# images/s"),
    (r"\b(\d+ h )?(\d+ min )?\d[\d,.]* (s|ms|min|h)\b", "# s"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:#"),
    (r"\b[0-9a-f]{40}\b|\b[0-9a-f]{64}\b", "<hash>"),
    (r"\| +[\d,]+ +\| <hash> +\|", "| # | <hash> |"),  # a SavedModel's size differs by a byte or two
    (r"resumes from step [\d,]+ of", "resumes from step # of"),  # where a signal meets a run differs by a few steps
    (r"input_wait [\d.e-]+", "input_wait #"),
    (r"\b\d+:\d\d\b", "#:##"),
    (r"-{4,}", "----"),
    (r"[ ─]{2,}", "  "),  # a column is as wide as the times in it
)


@dataclasses.dataclass(frozen=True)
class Ended:
    """A process that has ended: its exit status, as a shell has it, and its output."""

    status: int
    out: str
    err: str


@dataclasses.dataclass(frozen=True)
class Tree:
    """A source tree.

    Attributes:
      source: the folder that holds `trainer/`.
      folder: where its processes run; empty at first. All trees' folders have names of the same length.
    """

    source: Path
    folder: Path

    def start(self, module: str, *flags: str, **variables: str) -> subprocess.Popen[str]:
        kept = {name: value for name, value in os.environ.items() if not _CLEARED.match(name)}
        environment = kept | {"PYTHONPATH": str(self.source), "COLUMNS": "120"} | variables
        return subprocess.Popen(
            [sys.executable, "-m", module, *flags],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, module: str, *flags: str, **variables: str) -> Ended:
        return ended(self.start(module, *flags, **variables))

    def stop(self, is_due: Callable[[], bool], module: str, *flags: str) -> Ended:
        """Runs a command and sends it SIGTERM once a condition holds."""
        process = self.start(module, *flags)
        deadline = time.monotonic() + _LIMIT
        while process.poll() is None and not is_due() and time.monotonic() < deadline:
            time.sleep(_POLL)
        process.send_signal(signal.SIGTERM)
        return ended(process)

    def located(self, text: str) -> str:
        """Returns a text without the paths that differ between trees, and without a progress bar's seconds."""
        for path, mask in ((sys.executable, "<python>"), (self.folder, "<folder>"), (self.source, "<source>")):
            text = text.replace(str(path), mask)
        return re.sub(r"\b\d:\d\d:\d\d\b", "#:##:##", text)

    def masked(self, text: str) -> str:
        """Returns a text without paths, times and rates."""
        text = self.located(text)
        for pattern, mask in _MASKS:
            text = re.sub(pattern, mask, text)
        return text

    def check(self) -> None:
        """Raises a RuntimeError where processes would import the package from somewhere else."""
        self.folder.mkdir(parents=True)
        process = self.start("inspect", "--details", "trainer")
        out, err = process.communicate(timeout=_LIMIT)
        if f"Origin: {self.source}/trainer/__init__.py" not in out:
            raise RuntimeError(f"{self.source} must win on the path. Received: {out}{err}")


def ended(process: subprocess.Popen[str]) -> Ended:
    out, err = process.communicate(timeout=_LIMIT)
    return Ended(process.returncode if process.returncode >= 0 else 128 - process.returncode, out, err)
