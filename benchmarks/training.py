"""Training compared with its peers: plain Keras, PyTorch, JAX with Flax, and the bare primitives; and whole commands.

    python -m benchmarks.training --data=FOLDER        # or any other --data of trainer.task; digits by default
    python -m benchmarks.training --only keras torch   # some rows; --rounds=21 for a narrower spread

One network (two 3x3 convolutions, pooling, dense 128, logits), one batch size, the same images, Adam at 1e-3, no
dropout and no augmentation. In each row, ours and theirs run in turn on this machine, in the opposite order every other
time; the figures are medians. An epoch is training on full batches and validation. The figures of PyTorch and JAX are
those of the fastest of several configurations, which the row names and the notes list. Ratios of speeds and differences
of accuracy should be high, ratios of seconds and of memory low.

Measure on an idle machine: PyTorch's threads wait for each other by spinning, so next to other work on two cores its
epochs took up to five times as long as alone, while Keras's took up to 2.4 times as long.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.peers import command, epochs, processes, shapes, table
from benchmarks.peers.setting import Setting

_SHAPES = "shapes"
ROWS = (*epochs.COMPARISONS, *processes.NAMES, _SHAPES)
_INSTRUCTIONS = ("amx_bf16", "avx512_bf16", "avx512f")


def main(arguments: Sequence[str], popen: command.Popen = subprocess.Popen) -> None:
    """Prints the table; `popen` starts the processes."""
    options = _options(arguments)
    data, command_data = _absolute(options.data), _absolute(options.command_data)
    print(_machine(Path("/proc/cpuinfo")), flush=True)
    if set(options.only) != {_SHAPES}:
        print(f"\n{table.HEADER}", flush=True)
    try:
        if set(options.only) & set(epochs.COMPARISONS):
            with tempfile.TemporaryDirectory() as folder:
                setting = Setting(data, f"{folder}/arrays.npz", options.batch)
                command.measure("-m", "benchmarks.peers.dataset", data, setting.arrays, popen=popen)
                for line in epochs.compare(options.only, setting, options.rounds, popen):
                    print(line, flush=True)
        for line in processes.compare(
            options.only,
            data=data,
            command_data=command_data,
            batch=options.batch,
            epochs=options.epochs,
            seeds=options.seeds,
            popen=popen,
        ):
            print(line, flush=True)
        if _SHAPES in options.only:
            print(f"\nimages/s, whole epochs of noise, Keras\n{shapes.HEADER}")
            for line in shapes.compare(options.shape_images, options.rounds):
                print(line, flush=True)
    except command.ProcessDiedError as error:
        sys.exit(f"benchmarks.training: {error}")


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", default="digits", help="as in trainer.task")
    parser.add_argument("--command-data", default="digits", help="the data of the rows command and start")
    parser.add_argument("--rounds", type=int, default=11, help="epochs of each peer")
    parser.add_argument("--seeds", type=int, default=5, help="whole processes of each kind")
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--batch", type=int, default=128, help="images per step")
    parser.add_argument("--epochs", type=int, default=8, help="of a whole process")
    parser.add_argument("--shape-images", type=int, default=6272, help="of an epoch of the row shapes, at 28 pixels")
    return parser.parse_args(arguments)


def _absolute(data: str) -> str:
    """Returns the absolute path of a folder, for processes in other folders, or a name unchanged."""
    return str(Path(data).resolve()) if Path(data).is_dir() else data


def _machine(cpuinfo: Path) -> str:
    """Returns a description of the CPU."""
    text = cpuinfo.read_text() if cpuinfo.exists() else ""
    fields = dict(_pairs(text))
    flags = fields.get("flags", "").split()
    known = ", ".join(f"{'' if name in flags else 'no '}{name}" for name in _INSTRUCTIONS)
    kind = fields.get("model name", "of unknown kind")
    return f"{os.cpu_count()} CPUs, {kind}; {known}; other work: load {os.getloadavg()[0]:.1f}"


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, _, value = line.partition(":")
        yield name.strip(), value.strip()


if __name__ == "__main__":
    main(sys.argv[1:])
