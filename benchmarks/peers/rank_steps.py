"""The rows that compare training steps on signals and volumes: the engine and Keras's `fit` of the same network."""

import contextlib
import dataclasses
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks import timing
from benchmarks.peers import command, noise
from benchmarks.peers.peer import Peer
from benchmarks.peers.setting import Setting
from benchmarks.peers.table import Row

_GOAL = 1.0
_SECONDS = "step_seconds"


@dataclasses.dataclass(frozen=True)
class Network:
    """The network of a row.

    Attributes:
      model: the value of `--model`.
      shape: the shape of a sample, `(*sizes, channels)`.
      filters: the filters of the first convolution.
    """

    model: str
    shape: tuple[int, ...]
    filters: int

    @property
    def name(self) -> str:
        sizes = "x".join(map(str, self.shape[:-1]))
        return f"{self.model}, {sizes}, {self.filters} filters"


_SIGNALS, _VOLUMES = ((512, 1), 32), ((16, 16, 16, 1), 16)

NETWORKS = {  # by row name
    f"{model}-{len(shape) - 1}": Network(model, shape, filters)
    for model in ("convolutional", "residual")
    for shape, filters in (_SIGNALS, _VOLUMES)
}


def compare(
    keys: Sequence[str], samples: int, batch: int, rounds: int, popen: command.Popen = subprocess.Popen
) -> Iterator[str]:
    """Yields the rows of some networks: in float32, and in the precision that the engine chooses.

    Both peers train on the same samples in memory; the time of a step does not include validation.

    Args:
      keys: keys of `NETWORKS`.
      samples: samples per training epoch.
      batch: samples per step.
      rounds: epochs of each peer.
      popen: starts the processes.

    Raises:
      ProcessDiedError: a process ended too early.
    """
    for key in keys:
        network = NETWORKS[key]
        with tempfile.TemporaryDirectory() as folder:
            source, arrays = f"{folder}/noise.npz", f"{folder}/arrays.npz"
            noise.write_arrays(Path(source), network.shape, samples)
            command.measure("-m", "benchmarks.peers.dataset", source, arrays, popen=popen)
            setting = Setting(source, arrays, batch, network.filters, model=network.model)
            yield from _rows(network, setting, rounds, popen)


def _rows(network: Network, setting: Setting, rounds: int, popen: command.Popen) -> Iterator[str]:
    print(f"starting {network.name}", file=sys.stderr, flush=True)
    with contextlib.ExitStack() as stack:

        def start(module: str, precision: str) -> Peer:
            return stack.enter_context(Peer(module, dataclasses.replace(setting, precision=precision), popen))

        chosen = start("engine", "auto")
        precision = str(chosen.ready["precision"])
        pairs = {precision: (chosen, start("keras_fit", precision))}
        if precision != "float32":
            pairs = {"float32": (start("engine", "float32"), start("keras_fit", "float32"))} | pairs
        peers = {f"{name} {index}": peer for name, pair in pairs.items() for index, peer in enumerate(pair)}
        timing.interleave({name: peer.epoch for name, peer in peers.items()}, rounds)
    for name, pair in pairs.items():
        ours, theirs = (peer.figures(_SECONDS) for peer in pair)
        speeds = [f"{1 / statistics.median(seconds):,.2f}" for seconds in (ours, theirs)]
        ratio = timing.ratio(theirs, ours)  # speeds, so the other way round
        yield str(Row(f"{network.name}, {name}", *speeds, ratio, _GOAL, more_is_better=True))
