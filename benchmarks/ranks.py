"""Signals and volumes: training steps compared with plain Keras, reading compared with Keras and NumPy, and memory.

    python -m benchmarks.ranks                                       # all rows; a few minutes on two cores
    python -m benchmarks.ranks --only residual-1 wav --samples=512   # some rows
    python -m benchmarks.ranks --only=memory --files=20000

steps: in float32, and in the precision that the engine chooses; one process per peer, with epochs in turn and in the
opposite order every other time. Both train one network on the same samples with Adam at 1e-3, without dropout and
augmentation; a step does not include validation. wav, npz: whole epochs of batches in float32, all in one process.
memory: the peak of a process that lists WAV files and reads an epoch of them, at several points, for a tenth of the
files and for all of them.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import timing
from benchmarks.peers import command, noise, rank_steps, table

_WAV, _NPZ, _MEMORY = "wav", "npz", "memory"
ROWS = (*rank_steps.NETWORKS, _WAV, _NPZ, _MEMORY)

_BATCH = 32
_FEWEST = 50  # files: three quarters of them are one batch
_FRAMES = 2000  # of a WAV file: a quarter of a second
_VOLUME = (16, 16, 16, 1)
_NAME_WIDTH = 48

Epoch = Callable[[], Iterable[tuple[Any, Any]]]

# Prints a point of an epoch and the peak memory up to there, in MiB, on each line.
_READ = """
import resource, sys
from trainer import data
divisor = 2**20 if sys.platform == "darwin" else 2**10
def tell(point):
    print(f"{point}\t{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / divisor:.0f}")
loaded = data.load(sys.argv[1], 0.1, seed=0)
tell("listed")
batch = int(sys.argv[2])
steps = len(loaded.train) // batch
quarters = {-(-steps * quarter // 4): f"{quarter}/4 of an epoch" for quarter in range(1, 5)}
batches = data.training_batches(loaded.train, batch, 0, augment=False, steps=range(steps))
for step, _ in enumerate(batches, 1):
    if step in quarters:
        tell(quarters[step])
"""


def waves(files: int, rounds: int) -> Iterator[str]:
    """Yields a line for each way to read WAV files."""
    import keras

    with tempfile.TemporaryDirectory() as folder:
        noise.write_waves(Path(folder), files, _FRAMES)
        theirs = keras.utils.audio_dataset_from_directory(
            f"{folder}/train", batch_size=_BATCH, output_sequence_length=_FRAMES, seed=0, verbose=False
        )
        epochs: dict[str, Epoch] = {"ours": _ours(folder), "audio_dataset_from_directory": lambda: theirs}
        yield from _lines(f"{files:,} WAV files", epochs, rounds)


def arrays(samples: int, rounds: int) -> Iterator[str]:
    """Yields a line for each way to load an `.npz` file and to read batches of it."""
    from trainer import data

    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/volumes.npz"
        noise.write_arrays(Path(path), _VOLUME, samples, np.uint8)
        whole = [(None, range(samples))]  # as one batch
        loads: dict[str, Epoch] = {
            "ours": lambda: (data.load(path, 0.1, 0) and None) or whole,
            "numpy.load": lambda: (_numpy(path) and None) or whole,
        }
        yield from _lines(".npz, loaded", loads, rounds)
        epochs: dict[str, Epoch] = {"ours": _ours(path), "NumPy": _shuffled(**_numpy(path))}
        yield from _lines(".npz, an epoch of batches", epochs, rounds)


def memory(files: int, popen: command.Popen) -> Iterator[str]:
    """Yields the peak memory at several points of an epoch, for a tenth of the files and for all of them."""
    ends = []
    for count in (max(_BATCH, files // 10), files):
        with tempfile.TemporaryDirectory() as folder:
            noise.write_waves(Path(folder), count, _FRAMES)
            measured = command.measure("-c", _READ, folder, str(min(_BATCH, count // 8)), popen=popen)
        points = [line.split("\t") for line in measured.output.splitlines()]
        said = ", ".join(f"{point} {peak}" for point, peak in points)
        yield f"{f'peak memory, MiB, {count:,} WAV files':<{_NAME_WIDTH}}{said}"
        ends.append(int(points[-1][1]))
    yield f"{'all / a tenth':<{_NAME_WIDTH}}{ends[1] / ends[0]:.2f}"


def _ours(name: str) -> Epoch:
    from trainer import data

    store = data.load(name, 0.1, 0).train
    steps = range(len(store) // _BATCH)
    return lambda: data.training_batches(store, _BATCH, 0, augment=False, steps=steps)


def _numpy(path: str) -> dict[str, Any]:
    with np.load(path) as file:
        return dict(file)


def _shuffled(x_train: Any, y_train: Any, **others: Any) -> Epoch:
    """Returns epochs of shuffled batches from a NumPy loop."""
    generator = np.random.default_rng(0)

    def epoch() -> Iterator[tuple[Any, Any]]:
        order = generator.permutation(len(y_train))
        for first in range(0, len(order) // _BATCH * _BATCH, _BATCH):
            chosen = order[first : first + _BATCH]
            yield x_train[chosen].astype(np.float32), y_train[chosen]

    return epoch


def _lines(what: str, epochs: dict[str, Epoch], rounds: int) -> Iterator[str]:
    """Yields a line for each way; the first one is ours."""
    own = timing.per_sample(epochs, rounds)
    ours, theirs = own
    speeds = (f"{1 / statistics.median(own[name]):,.0f}/s" for name in own)
    ratio = timing.ratio(own[theirs], own[ours])  # speeds, so the other way round
    yield f"{f'{what}, {theirs}':<{table.NAME_WIDTH}}{next(speeds):>12}{next(speeds):>12}{ratio!s:>24}"


def main(arguments: Sequence[str], popen: command.Popen = subprocess.Popen) -> None:
    """Prints the tables; `popen` starts the processes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--samples", type=int, default=256, help="of an epoch of the rows of networks")
    parser.add_argument("--batch", type=int, default=_BATCH, help="samples of a step of these rows")
    parser.add_argument("--rounds", type=int, default=7, help="epochs of each peer")
    parser.add_argument(
        "--files", type=int, default=20_000, help="WAV files, or samples of an .npz file, of the others"
    )
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW", help=", ".join(ROWS))
    options = parser.parse_args(arguments)
    for name, value, least in (("samples", options.samples, options.batch), ("files", options.files, _FEWEST)):
        if value < least:
            parser.error(f"`--{name}` must be at least {least}. Received: {value}")
    try:
        for line in _tables(options, popen):
            print(line, flush=True)
    except command.ProcessDiedError as error:
        sys.exit(f"benchmarks.ranks: {error}")


def _tables(options: argparse.Namespace, popen: command.Popen) -> Iterator[str]:
    yield f"{os.cpu_count()} CPUs; other work: load {os.getloadavg()[0]:.1f}"
    if _MEMORY in options.only:  # first: a child's peak includes its parent's, and nothing large is loaded yet
        yield from memory(options.files, popen)
    if [*options.only] == [_MEMORY]:
        return
    yield f"{'steps/s, files/s, samples/s':<{table.NAME_WIDTH}}{table.HEADER[table.NAME_WIDTH :]}"
    networks = [key for key in rank_steps.NETWORKS if key in options.only]
    yield from rank_steps.compare(networks, options.samples, options.batch, options.rounds, popen)
    if _WAV in options.only:
        yield from waves(options.files, options.rounds)
    if _NPZ in options.only:
        yield from arrays(options.files, options.rounds)


if __name__ == "__main__":
    main(sys.argv[1:])
