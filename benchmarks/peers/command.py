"""A whole process, measured: its seconds from start to exit, its peak memory, its output."""

import dataclasses
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

Popen = type[subprocess.Popen[str]]  # the class that starts processes

ROOT = Path(__file__).parents[2]  # the folder from which `benchmarks` and this version of `trainer` can be imported


class ProcessDiedError(Exception):
    """A measured process ended too early; the message is one line."""


@dataclasses.dataclass(frozen=True)
class Measured:
    """The figures of one process."""

    seconds: float
    megabytes: float
    output: str

    @property
    def test_accuracy(self) -> float:
        """The percentage after the words "test accuracy"."""
        found = re.search(r"test accuracy ([\d.]+)%", self.output)
        if found is None:
            raise ProcessDiedError(f"no test accuracy in {self.output!r}")
        return float(found[1])


def measure(*arguments: str, popen: Popen = subprocess.Popen, variables: Mapping[str, str] | None = None) -> Measured:
    """Runs Python with these arguments.

    Args:
      arguments: the arguments of `python`.
      popen: starts the process.
      variables: the environment of the process; by default that of this process without accelerators.

    Raises:
      ProcessDiedError: its exit status is not 0; its standard error is shown.
    """
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        begin = time.perf_counter()
        command = [sys.executable, *arguments]
        own = environment() if variables is None else variables
        process = popen(command, stdout=output, stderr=errors, cwd=ROOT, env=own)
        # `Popen.wait` does not return the memory. A child's peak includes its parent's, so this process must be small:
        # none of its imports loads TensorFlow.
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            raise ProcessDiedError(show(arguments[1], process.returncode, errors.read()))
        output.seek(0)
        kilobytes = usage.ru_maxrss / (1024 if sys.platform == "darwin" else 1)  # macOS counts bytes
        return Measured(seconds, kilobytes / 1024, output.read())


def environment() -> dict[str, str]:
    """Returns this process's environment, without accelerators: all figures are of the CPU."""
    return os.environ | {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "3"}


def show(name: str, status: int, errors: str) -> str:
    """Prints the standard error of a failed process, and returns one line about it."""
    print(errors, file=sys.stderr, end="")
    lines = errors.strip().splitlines() or ["no word"]
    return f"{name} ended with status {status}: {lines[-1]}"
