"""Whole commands on an accelerator: their seconds, and whether their weights are as expected."""

import dataclasses
import hashlib
import json
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.peers import command
from benchmarks.peers.deadline import Deadline
from benchmarks.peers.table import NAME_WIDTH

_PATIENCE = 300  # seconds for a command
_GOAL = 6.0  # seconds of training of the default command on mnist10k

# Prints a checksum of a saved model's weights.
_WEIGHTS = """
import hashlib, sys, keras, trainer.layers
weights = keras.models.load_model(sys.argv[1], compile=False).get_weights()
print(hashlib.sha256(b"".join(one.tobytes() for one in weights)).hexdigest())
"""


@dataclasses.dataclass(frozen=True)
class _Commands:
    """Runs `trainer.task`.

    Attributes:
      flags: the flags of each command.
      folder: the folder of all runs.
      variables: the environment of the commands.
      popen: starts the commands.
    """

    flags: Sequence[str]
    folder: Path
    variables: Mapping[str, str]
    popen: command.Popen

    def run(self, name: str, *more: str, stop: bool = False) -> tuple[str, float]:
        """Returns the output and the seconds of a command; with `stop`, it is stopped after its first checkpoint."""
        root, begin = self.folder / name, time.perf_counter()
        words = [sys.executable, "-m", "trainer.task", *self.flags, *more, f"--job_dir={root}"]
        process = self.popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=command.ROOT, env=self.variables, text=True
        )
        while stop and process.poll() is None:
            if (root / "checkpoints" / "latest.json").exists():
                process.send_signal(signal.SIGTERM)
                break
            time.sleep(0.05)
        output, errors = process.communicate(timeout=_PATIENCE)
        if process.returncode not in (0, 143 if stop else 0):
            raise command.ProcessDiedError(command.show("trainer.task", process.returncode, errors))
        return output, time.perf_counter() - begin

    def study(self, name: str) -> str:
        """Returns how two trials of a study ended that ran at the same time, and their seconds."""
        counts = ("--config=config.yaml", "--max_trial_count=2", "--parallel_trial_count=2")
        measured = command.measure(
            *("-m", "trainer.study", *counts, *self.flags, f"--job_dir={self.folder / name}"),
            popen=self.popen,
            variables=self.variables,
        )
        trials = json.loads((self.folder / name / "study.json").read_text())["trials"]
        return f"{', '.join(trial['state'] for trial in trials)}; {measured.seconds:.1f} s in all"

    def weights(self, name: str) -> str:
        """Returns a checksum of the weights of a run; that of no bytes if there is no model."""
        path = self.folder / name / "model" / "model.keras"
        if not path.exists():
            return hashlib.sha256(b"").hexdigest()
        measured = command.measure("-c", _WEIGHTS, str(path), popen=self.popen, variables=self.variables)
        return measured.output.strip()


def check(
    data: str, flags: Sequence[str], deadline: Deadline, variables: Mapping[str, str], popen: command.Popen
) -> Iterator[str]:
    """Yields a line for each check of whole commands.

    Args:
      data: any `--data` of `trainer.task`.
      flags: more of its flags, without dashes.
      deadline: the time after which no command starts.
      variables: the environment of the commands.
      popen: starts the commands.
    """
    yield f"\nwhole commands, --data={data}"
    with tempfile.TemporaryDirectory() as folder:
        commands = _Commands([f"--data={data}", *(f"--{flag}" for flag in flags)], Path(folder), variables, popen)
        output, seconds = commands.run("first")
        yield _line(
            "the default command", f"{_trained(output)}; {seconds:.1f} s in all; to reach on mnist10k {_GOAL:.0f} s"
        )
        expected = commands.weights("first")

        def same(name: str) -> str:
            return "yes" if commands.weights(name) == expected else "NO"

        for name, more in (("the same seed again", ()), ("--feed=streamed", ("--feed=streamed",))):
            if not deadline.is_over:
                commands.run(name, *more)
                yield _line(f"{name}: equal weights", same(name))
        if not deadline.is_over:
            commands.run("stopped", stop=True)
            commands.run("stopped")
            yield _line("stopped and resumed: equal weights", same("stopped"))
        for flag in ("--deterministic=no", "--precision=float16", "--precision=float32", "--compile=none"):
            if not deadline.is_over:
                output, seconds = commands.run(flag.strip("-"), flag)
                yield _line(flag, f"{_trained(output)}; {seconds:.1f} s in all")
        if not deadline.is_over:
            yield _line("two trials of a study at a time", commands.study("study"))
    yield _layers(variables, popen) if not deadline.is_over else _line("what is missing above", "no time was left")


def _layers(variables: Mapping[str, str], popen: command.Popen) -> str:
    words = ("-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", "tests/layers")
    try:
        output = command.measure(*words, popen=popen, variables=variables).output
    except command.ProcessDiedError as error:
        return _line("tests/layers", f"NO: {error}")
    return _line("tests/layers", output.strip().splitlines()[-1])


def _trained(output: str) -> str:
    found = re.search(r"test accuracy .*", output)
    return found[0] if found else "no test accuracy"


def _line(name: str, value: str) -> str:
    return f"{name:<{NAME_WIDTH}}{value}"
