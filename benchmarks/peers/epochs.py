"""The rows that compare epochs: long-running peers that each train one epoch in turn."""

import contextlib
import dataclasses
import importlib.util
import statistics
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from benchmarks import timing
from benchmarks.peers import command
from benchmarks.peers.command import ProcessDiedError
from benchmarks.peers.peer import Peer
from benchmarks.peers.setting import Setting
from benchmarks.peers.table import Row, left_out

_PEERS: dict[str, tuple[str, dict[str, Any]]] = {
    "engine": ("engine", {"precision": "auto"}),
    "engine, primitives": ("engine", {"precision": "auto", "primitives": True}),
    "engine, float32": ("engine", {}),
    "Keras": ("keras_fit", {}),
    "Keras, bfloat16, 20 steps a call": ("keras_fit", {"precision": "bfloat16", "steps_per_execution": 20}),
    "PyTorch, float32": ("torch_loop", {}),
    "PyTorch, float32, compiled": ("torch_loop", {"compiled": True}),
    "PyTorch, bfloat16": ("torch_loop", {"precision": "bfloat16"}),
    "PyTorch, bfloat16, compiled": ("torch_loop", {"precision": "bfloat16", "compiled": True}),
    "JAX, float32": ("flax_loop", {}),
    "JAX, bfloat16": ("flax_loop", {"precision": "bfloat16"}),
}
_OPTIONAL = {"torch_loop": ("torch",), "flax_loop": ("jax", "flax", "optax")}  # the packages that a peer needs


@dataclasses.dataclass(frozen=True)
class Comparison:
    """The comparison of a row: our images per second and those of the fastest of some peers."""

    name: str
    ours: str
    theirs: tuple[str, ...]
    goal: float


def _named(beginning: str) -> tuple[str, ...]:
    return tuple(name for name in _PEERS if name.startswith(beginning))


COMPARISONS = {
    "keras": Comparison("images/s", "engine", ("Keras",), 4.0),
    "keras-tuned": Comparison("images/s", "engine", ("Keras, bfloat16, 20 steps a call",), 1.5),
    "torch": Comparison("images/s", "engine", _named("PyTorch"), 3.2),
    "jax": Comparison("images/s", "engine", _named("JAX"), 10.0),
    "primitives": Comparison("step / its bare primitives", "engine, primitives", (), 1.1),
    "float32": Comparison("images/s, both in float32", "engine, float32", ("Keras",), 1.1),
}
_PRIMITIVES = "primitives"


def compare(
    keys: Iterable[str], setting: Setting, rounds: int, popen: command.Popen = subprocess.Popen
) -> Iterator[str]:
    """Yields the lines of these rows, and notes on the peers below them.

    Args:
      keys: keys of `COMPARISONS`.
      setting: the task of the peers.
      rounds: epochs of each peer.
      popen: starts the processes.

    Raises:
      ProcessDiedError: a required peer fails.
    """
    wanted = {key: COMPARISONS[key] for key in COMPARISONS if key in set(keys)}
    names = {name for comparison in wanted.values() for name in (comparison.ours, *comparison.theirs)}
    with contextlib.ExitStack() as stack:
        peers, absent = _start([name for name in _PEERS if name in names], setting, stack, popen)
        timing.interleave({name: peer.epoch for name, peer in peers.items()}, rounds)
    for key, comparison in wanted.items():
        if key == _PRIMITIVES:
            yield _primitives_line(comparison, peers[comparison.ours])
        else:
            yield _line(comparison, peers, absent)
    yield from (f"  {_describe(name, peer)}" for name, peer in peers.items())
    yield from (f"  {name}: left out, {reason}" for name, reason in absent.items())


def _start(
    names: Iterable[str],
    setting: Setting,
    stack: contextlib.ExitStack,
    popen: command.Popen = subprocess.Popen,
) -> tuple[dict[str, Peer], dict[str, str]]:
    """Returns the peers, warmed up, and the reasons why others are missing."""
    peers, absent = {}, {}
    for name in names:
        module, changes = _PEERS[name]
        needed = _OPTIONAL.get(module, ())
        missing = [package for package in needed if importlib.util.find_spec(package) is None]
        if missing:
            absent[name] = f"{missing[0]} is not installed"
            continue
        print(f"starting {name}", file=sys.stderr, flush=True)
        try:
            peers[name] = stack.enter_context(Peer(module, dataclasses.replace(setting, **changes), popen))
        except ProcessDiedError as error:  # for example torch.compile without a C++ compiler
            if not needed:
                raise
            absent[name] = str(error)
    return peers, absent


def _line(comparison: Comparison, peers: Mapping[str, Peer], absent: Mapping[str, str]) -> str:
    candidates = [name for name in comparison.theirs if name in peers]
    if not candidates:
        return left_out(f"{comparison.name}, {comparison.theirs[0]}", absent[comparison.theirs[0]])
    best = min(candidates, key=lambda name: statistics.median(peers[name].figures("seconds")))
    ours, theirs = peers[comparison.ours], peers[best]
    name = f"{comparison.name}, {best}"
    ratio = timing.ratio(theirs.figures("seconds"), ours.figures("seconds"))  # speeds, so the other way round
    return str(Row(name, f"{speed(ours):,.0f}", f"{speed(theirs):,.0f}", ratio, comparison.goal, more_is_better=True))


def _primitives_line(comparison: Comparison, engine: Peer) -> str:
    ours, theirs = engine.figures("step_seconds"), engine.figures("primitives_seconds")
    milliseconds = [f"{1000 * statistics.median(seconds):.1f} ms" for seconds in (ours, theirs)]
    ratio = timing.ratio(ours, theirs)
    return str(Row(comparison.name, *milliseconds, ratio, comparison.goal, more_is_better=False))


def speed(peer: Peer) -> float:
    """Returns the images per second of whole epochs, the median over the rounds."""
    return statistics.median(epoch["images"] / epoch["seconds"] for epoch in peer.epochs)


def _describe(name: str, peer: Peer) -> str:
    last = peer.epochs[-1]
    chosen = f", in {peer.ready['precision']}" if "precision" in peer.ready else ""
    results = f"loss {last['loss']:.4f}, validation accuracy {last['val_accuracy']:.2%} after {len(peer.epochs) + 1}"
    return f"{name}{chosen}: {speed(peer):,.0f} images/s; {results} epochs"
