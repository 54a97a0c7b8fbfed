"""The rows that compare whole processes: `python -m trainer.task` and a plain Keras script."""

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping

from benchmarks import timing
from benchmarks.peers import command
from benchmarks.peers.command import Measured
from benchmarks.peers.table import Row

_FLAGS = ("--learning_rate=1e-3", "--schedule=constant", "--dropout=0", "--augment=none")  # as in the script

NAMES = {
    "accuracy": "test accuracy in %, mean; difference",
    "command": "whole command, plain script with its outputs",
    "start": "first step / import tensorflow",
    "memory": "peak memory, plain script",
}

Arguments = Callable[[int, str], tuple[str, ...]]  # from a seed and an empty folder: a process's arguments


def compare(
    keys: Iterable[str],
    *,
    data: str,
    command_data: str,
    batch: int,
    epochs: int,
    seeds: int,
    popen: command.Popen = subprocess.Popen,
) -> Iterator[str]:
    """Yields the lines of these rows as soon as they are measured, followed by notes.

    Args:
      keys: keys of `NAMES`.
      data: the data for accuracy and memory.
      command_data: the data for the whole command and the startup.
      batch: images per step.
      epochs: the epochs of each process.
      seeds: the number of processes of each kind, one per seed.
      popen: starts the processes.

    Raises:
      ProcessDiedError: a process fails.
    """
    wanted = set(keys)
    if wanted & {"accuracy", "memory"}:
        runs = _run(
            {"ours": _task(data, batch, epochs), "theirs": _script(data, batch, epochs, leaves=False)}, seeds, popen
        )
        lines = {"accuracy": _accuracy_line(runs), "memory": _memory_line(runs)}
        yield from (line for key, line in lines.items() if key in wanted)
        if "accuracy" in wanted:
            yield from (_accuracies(name, measured) for name, measured in runs.items())
    if "command" in wanted:
        ours, theirs = _task(command_data, batch, epochs), _script(command_data, batch, epochs, leaves=True)
        runs = _run({"ours": ours, "theirs": theirs}, seeds, popen)
        yield _seconds_line("command", runs, goal=0.8)
    if "start" in wanted:
        first_step = _task(command_data, batch, epochs, module="benchmarks.peers.first_step")
        runs = _run({"ours": first_step, "theirs": lambda _seed, _folder: ("-c", "import tensorflow")}, seeds, popen)
        yield _seconds_line("start", runs, goal=2.0)


def _task(data: str, batch: int, epochs: int, module: str = "trainer.task") -> Arguments:
    flags = (f"--data={data}", f"--batch_size={batch}", f"--epochs={epochs}", *_FLAGS)
    return lambda seed, folder: ("-m", module, *flags, f"--seed={seed}", f"--job_dir={folder}/run")


def _script(data: str, batch: int, epochs: int, *, leaves: bool) -> Arguments:
    def arguments(seed: int, folder: str) -> tuple[str, ...]:
        given = {"data": data, "batch": batch, "epochs": epochs, "seed": seed, "folder": folder if leaves else ""}
        return "-m", "benchmarks.peers.keras_script", json.dumps(given)

    return arguments


def _run(commands: Mapping[str, Arguments], seeds: int, popen: command.Popen) -> dict[str, list[Measured]]:
    """Runs all processes for each seed; the order alternates."""
    measured: dict[str, list[Measured]] = {name: [] for name in commands}
    for seed in range(seeds):
        for name in list(commands)[:: 1 if seed % 2 else -1]:
            with tempfile.TemporaryDirectory() as folder:
                arguments = commands[name](seed, folder)
                print(f"seed {seed}: {' '.join(arguments[:2])}", file=sys.stderr, flush=True)
                measured[name].append(command.measure(*arguments, popen=popen))
    return measured


def _accuracy_line(runs: Mapping[str, list[Measured]]) -> str:
    ours, theirs = ([each.test_accuracy for each in runs[name]] for name in ("ours", "theirs"))
    differences = [mine - other for mine, other in zip(ours, theirs, strict=True)]
    spread = timing.ratio(differences, [1.0] * len(differences))
    difference = timing.Ratio(statistics.mean(differences), spread.low, spread.high)
    means = [f"{statistics.mean(values):.2f}" for values in (ours, theirs)]
    return str(Row(NAMES["accuracy"], *means, difference, goal=0.0, more_is_better=True))


def _accuracies(name: str, measured: Iterable[Measured]) -> str:
    return f"  test accuracies, {name}: " + ", ".join(f"{each.test_accuracy:.2f}" for each in measured)


def _memory_line(runs: Mapping[str, list[Measured]]) -> str:
    ours, theirs = ([each.megabytes for each in runs[name]] for name in ("ours", "theirs"))
    return _row("memory", ours, theirs, "{:,.0f} MB", goal=1.0)


def _seconds_line(key: str, runs: Mapping[str, list[Measured]], goal: float) -> str:
    ours, theirs = ([each.seconds for each in runs[name]] for name in ("ours", "theirs"))
    return _row(key, ours, theirs, "{:.1f} s", goal)


def _row(key: str, ours: list[float], theirs: list[float], form: str, goal: float) -> str:
    medians = [form.format(statistics.median(values)) for values in (ours, theirs)]
    return str(Row(NAMES[key], *medians, timing.ratio(ours, theirs), goal, more_is_better=False))
