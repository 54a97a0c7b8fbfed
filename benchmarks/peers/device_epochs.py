"""The rows that compare epochs on an accelerator: one peer after another, each in its own process."""

import contextlib
import dataclasses
import importlib.util
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers import command, dataset, noise
from benchmarks.peers.deadline import Deadline
from benchmarks.peers.peer import Peer
from benchmarks.peers.setting import Setting
from benchmarks.peers.table import NAME_WIDTH

_OURS = "ours"
_TUNED = "Keras, bfloat16, 20 steps a call, XLA"
_PEERS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    _OURS: ("engine", {"precision": "auto"}),
    "JAX, bfloat16, an epoch a call": ("jax_scan", {"precision": "bfloat16"}),
    "PyTorch, bfloat16, compiled": ("torch_device", {"precision": "bfloat16", "compiled": True}),
    _TUNED: ("keras_fit", {"precision": "bfloat16", "steps_per_execution": 20}),
    "PyTorch, bfloat16": ("torch_device", {"precision": "bfloat16"}),
    "Keras, float32": ("keras_fit", {}),
}
_NEEDS = {"jax_scan": ("jax", "flax", "optax"), "torch_device": ("torch",)}
_SAMPLE = (32, 32, 3)  # the shape of a sample for the other network
_SIZE = 28
_GOALS = {_TUNED: 2.0}


@dataclasses.dataclass(frozen=True)
class Row:
    """The data and the network of a row.

    Attributes:
      images: images per epoch.
      batch: images per step.
      filters: the filters of the first convolution.
      model: the engine's `--model`, of which Keras trains a copy; empty for the network of all peers.
    """

    images: int
    batch: int
    filters: int
    model: str = ""

    def __str__(self) -> str:
        what = f"{self.model}, {_SAMPLE[0]}x{_SAMPLE[1]}x{_SAMPLE[2]}" if self.model else f"{_SIZE}x{_SIZE}x1"
        return f"{what}, batch {self.batch}, {self.filters} filters"


def compare(
    rows: Sequence[Row],
    rounds: int,
    deadline: Deadline,
    variables: Mapping[str, str],
    popen: command.Popen,
) -> Iterator[str]:
    """Yields the lines of these rows, one per peer.

    Args:
      rows: the data and networks.
      rounds: epochs of each peer, after one to warm up.
      deadline: the time after which no peer starts.
      variables: the environment of the peers.
      popen: starts the processes.
    """
    for row in rows:
        if deadline.is_over:
            yield f"\n{row}: left out, no time is left"
            continue
        yield f"\n{row}, {row.images:,} images an epoch"
        yield f"{'':<{NAME_WIDTH}}{'images/s':>12}{'ours / theirs':>16}   to reach"
        with tempfile.TemporaryDirectory() as folder:
            setting = _setting(row, Path(folder), variables, popen)
            yield from _lines(setting, rounds, deadline, variables, popen)


def _setting(row: Row, folder: Path, variables: Mapping[str, str], popen: command.Popen) -> Setting:
    source, arrays = str(folder / "noise"), str(folder / "arrays.npz")
    if row.model:
        source += ".npz"
        noise.write_arrays(Path(source), _SAMPLE, row.images, np.float32)
    else:
        dataset.write_noise(Path(source), _SIZE, row.images)
    command.measure("-m", "benchmarks.peers.dataset", source, arrays, popen=popen, variables=variables)
    return Setting(source, arrays, row.batch, row.filters, model=row.model)


def _lines(
    setting: Setting, rounds: int, deadline: Deadline, variables: Mapping[str, str], popen: command.Popen
) -> Iterator[str]:
    ours = 0.0
    for name, (module, changes) in _PEERS.items():
        reason = _absence(module, setting) or ("no time is left" if deadline.is_over else "")
        found: float | str = reason or _speed(module, dataclasses.replace(setting, **changes), rounds, variables, popen)
        if isinstance(found, str):
            yield f"{name:<{NAME_WIDTH}}left out: {found}"
            continue
        line = f"{name:<{NAME_WIDTH}}{found:>12,.0f}"
        if name == _OURS:
            ours = found
            yield line
        elif ours:
            goal = _GOALS.get(name, 1.0)
            yield f"{line}{ours / found:>16.2f}   >= {goal:.2f}  {'yes' if ours >= goal * found else 'no'}"


def _absence(module: str, setting: Setting) -> str:
    if setting.model and module in _NEEDS:
        return "it has no copy of the network"
    missing = [package for package in _NEEDS.get(module, ()) if importlib.util.find_spec(package) is None]
    return f"{missing[0]} is not installed" if missing else ""


def _speed(
    module: str, setting: Setting, rounds: int, variables: Mapping[str, str], popen: command.Popen
) -> float | str:
    """Returns a peer's images per second, the median over the rounds, or the reason why there are none."""
    print(f"starting {module}", file=sys.stderr, flush=True)
    with contextlib.ExitStack() as stack:
        try:
            peer = stack.enter_context(Peer(module, setting, popen, variables))
            for _ in range(rounds):
                peer.epoch()
        except command.ProcessDiedError as error:
            if module == "engine":
                raise
            return str(error)
        return statistics.median(epoch["images"] / epoch["seconds"] for epoch in peer.epochs)
