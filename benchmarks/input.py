"""Images from disk: the speed of reading, the time that training waits for them, and the memory.

    python -m benchmarks.input --images=4000 --rounds=5 --memory_images=50000

rate: whole epochs of batches of 224-pixel JPEGs as float32, images per second, all in turn in one process, compared
with `keras.utils.image_dataset_from_directory` and, if PyTorch is installed, `torch.utils.data.DataLoader` with Pillow
and one worker per core. wait: the share of a step that `python -m trainer.task` waits for its batch, after the first
epoch. memory: the peak of processes that read an epoch of a tenth of the images, and of all of them.
"""

import argparse
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from benchmarks import timing
from benchmarks.peers import command, photographs

ROWS = ("rate", "wait", "memory")

_SIDE, _BATCH = 224, 32

_READ = """
import sys
from trainer import data
loaded = data.load(sys.argv[1], 0.1, seed=0, options=data.SampleOptions(224))
batch = int(sys.argv[2])
steps = range(len(loaded.train) // batch)
batches = data.training_batches(loaded.train, batch, 0, augment=True, preset="photo", steps=steps)
print(len(loaded.train), sum(len(labels) for _, labels, *_ in batches))
"""


def rates(images: int, rounds: int) -> Iterable[str]:
    """Yields a line for each way to read: images per second, and its time over that of the fastest peer."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "folder"
        photographs.write(folder, images, _SIDE)
        size = sum(path.stat().st_size for path in folder.rglob("*.jpg")) / images
        said = f"{images:,} JPEGs of {_SIDE} pixels, {size / 1e3:.1f} KB each"
        yield f"{said}, batches of {_BATCH}, {os.cpu_count()} CPUs"
        epochs = {**_ours(folder, Path(scratch) / "shards"), "Keras": _keras(folder), **_torch(folder)}
        own = timing.per_sample(epochs, rounds)
        peers = [name for name in own if not name.startswith("ours")]
        for name, each in own.items():
            beside = [f"{timing.ratio(each, own[peer])} of {peer}'s time" for peer in peers if peer != name]
            yield f"{name:<28}{1 / statistics.median(each):8,.0f} images/s   {', '.join(beside)}"


def _ours(folder: Path, shards: Path) -> dict[str, Callable[[], Iterable[tuple[object, Sequence[int]]]]]:
    from trainer import data
    from trainer.data import convert as conversion
    from trainer.data.kinds.image.kind import IMAGE
    from trainer.data.loading import list_entries

    conversion.convert(list_entries(str(folder)), IMAGE, shards, 0.1, shard_bytes=10**8, skip_broken=True)
    files, records = (data.load(str(one), 0.1, 0, options=data.SampleOptions(_SIDE)).train for one in (folder, shards))

    def epoch(split: data.Store, augment: bool) -> Iterable[tuple[object, Sequence[int]]]:
        steps = range(len(split) // _BATCH)
        return data.training_batches(split, _BATCH, 0, augment=augment, steps=steps, preset="photo")

    return {
        "ours, files": lambda: epoch(files, augment=False),
        "ours, shards": lambda: epoch(records, augment=False),
        "ours, files, --augment=photo": lambda: epoch(files, augment=True),
    }


def _keras(folder: Path) -> Callable[[], Iterable[tuple[object, Sequence[int]]]]:
    import keras

    batches = keras.utils.image_dataset_from_directory(
        folder / "train", batch_size=_BATCH, image_size=(_SIDE, _SIDE), seed=0, verbose=False
    )
    return lambda: batches


def _torch(folder: Path) -> dict[str, Callable[[], Iterable[tuple[object, Sequence[int]]]]]:
    """Returns PyTorch's data loader if PyTorch is installed."""
    try:
        from benchmarks.peers.torch_images import Epochs
    except ImportError:
        return {}
    paths = sorted(folder.glob("train/*/*.jpg"))
    names = sorted({path.parent.name for path in paths})
    labels = [names.index(path.parent.name) for path in paths]
    epochs = Epochs([*map(str, paths)], labels, _SIDE, _BATCH, os.cpu_count() or 1)
    return {"PyTorch, Pillow": lambda: epochs}


def wait(images: int, filters: int) -> str:
    """Returns how long a training waits for its images, and how long it takes without them."""
    import datetime

    import keras
    from rich.console import Console

    from trainer.environment import Environment
    from trainer.hparams import HParams
    from trainer.run import train

    seen: list[float] = []
    speeds: list[float] = []
    begun: list[float] = []

    def end(epoch: int, logs: dict[str, float]) -> None:
        seen.append(logs["input_wait"])
        speeds.append(time.perf_counter() - begun[-1])

    told = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: begun.append(time.perf_counter()), on_epoch_end=end
    )
    with tempfile.TemporaryDirectory() as scratch:
        photographs.write(Path(scratch) / "folder", images, _SIDE)
        hparams = HParams(
            data=f"{scratch}/folder",
            image_size=_SIDE,
            batch_size=_BATCH,
            filters=filters,
            stride=2,
            epochs=3,
            log_images="never",
        )
        environment = Environment.read({}, f"{scratch}/run", datetime.datetime.now())
        train.run(hparams, environment, Console(file=io.StringIO()), [told])
    trained = images * 3 // 4
    return (
        f"input wait, {filters} filters, --augment=photo   {seen[-1]:6.2%} of a step in the last of {len(seen)} epochs "
        f"({', '.join(f'{one:.2%}' for one in seen)}), {trained / speeds[-1]:,.0f} images/s with validation"
    )


def memory(images: int, popen: command.Popen) -> Iterable[str]:
    """Yields the peak memory of processes that load a data set and read an epoch of it."""
    peaks = {}
    for count in (max(2 * _BATCH, images // 10), images):
        with tempfile.TemporaryDirectory() as scratch:
            photographs.write(Path(scratch), count, _SIDE)
            measured = command.measure("-c", _READ, scratch, str(_BATCH), popen=popen)
        peaks[count] = measured.megabytes
        yield f"peak memory, {count:>9,} images   {measured.megabytes:8,.0f} MiB, {measured.seconds:.1f} s in all"
    few, many = peaks.values()
    yield f"all / a tenth                   {many / few:11.2f}"


def main(arguments: Sequence[str], popen: command.Popen = subprocess.Popen) -> None:
    """Prints the tables; `popen` starts the processes whose memory is measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--images", type=int, default=4000, help="of rate and wait")
    parser.add_argument("--rounds", type=int, default=5, help="epochs of each way to read")
    parser.add_argument("--memory_images", type=int, default=50_000, help="the larger count of memory, 1.1 GB of disk")
    parser.add_argument("--filters", type=int, default=32, help="of the network of wait")
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW", help=", ".join(ROWS))
    options = parser.parse_args(arguments)
    if "memory" in options.only:  # first: a child's peak includes its parent's, and nothing large is loaded yet
        for line in memory(options.memory_images, popen):
            print(line, flush=True)
    if "rate" in options.only:
        for line in rates(options.images, options.rounds):
            print(line, flush=True)
    if "wait" in options.only:
        print(wait(options.images, options.filters), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
