"""The convolution layer's time compared with Keras and PyTorch: forward, and forward with all gradients.

    python -m benchmarks.conv            # --rounds=40 for a narrower spread, --only=depthwise for some rows

Every row runs ours and the peer in turn and prints the ratio of their times, ours over theirs: below 1 is faster. The
peers are

* `keras.layers.Conv1D/2D/3D` for zero padding, and `DepthwiseConv2D` if every channel is a group;
* "pad, then convolve", as a Keras user writes it, for the padding modes that Keras lacks; the columns "free" give the
  time of Keras with zero padding over the same peer's: the ratio that free padding would reach;
* "split, convolve, concatenate" for groups;
* `torch.nn.Conv2d` in its own process, channels last, if PyTorch is installed, for zero padding and for the padding
  modes that it has; the columns "primitive" give the time of Keras with zero padding over PyTorch's.
"""

import argparse
import dataclasses
import functools
import importlib.util
import multiprocessing
import sys
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from benchmarks import timing
from trainer import layers

_KINDS = ("forward", "with gradients")
_SAMPLE_SECONDS = 0.03  # long compared with the cost of a call, short compared with other work


@dataclasses.dataclass(frozen=True)
class Row:
    """One convolution: its input, `(batch, *spatial, channels)`, and the arguments that Keras and we share."""

    name: str
    shape: tuple[int, ...]
    filters: int
    kernel_size: int
    padding: str = "same"
    strides: int = 1
    dilation_rate: int = 1
    groups: int = 1
    padding_mode: str = "zeros"

    @property
    def rank(self) -> int:
        return len(self.shape) - 2

    def arguments(self) -> dict[str, Any]:
        names = ("filters", "kernel_size", "padding", "strides", "dilation_rate", "groups")
        return {name: getattr(self, name) for name in names}

    def tiny(self) -> "Row":
        """Returns the same convolution on a tiny image."""
        return dataclasses.replace(self, shape=(1, *(8,) * self.rank, self.shape[-1]))


ZERO_PADDING = (
    Row("example, first layer", (128, 28, 28, 1), 32, 3),
    Row("example, second layer", (128, 28, 28, 32), 64, 3),
    Row("second layer, valid", (128, 28, 28, 32), 64, 3, padding="valid"),
    Row("ResNet, first layer", (4, 224, 224, 3), 64, 7, strides=2),
    Row("ResNet, 3x3 at 56", (8, 56, 56, 64), 64, 3),
    Row("ResNet, 3x3 at 28, stride 2", (8, 28, 28, 128), 256, 3, strides=2),
    Row("ResNet, 3x3 at 14", (8, 14, 14, 256), 256, 3),
    Row("ResNet, 3x3 at 7", (8, 7, 7, 512), 512, 3),
    Row("1x1", (8, 56, 56, 256), 64, 1),
    Row("dilated by 2", (8, 28, 28, 64), 64, 3, dilation_rate=2),
    Row("depthwise", (8, 56, 56, 64), 64, 3, groups=64),
    Row("audio, first layer", (8, 16000, 1), 64, 80, strides=4),
    Row("audio, 3 taps", (8, 4000, 64), 64, 3),
    Row("volume", (2, 32, 32, 32, 8), 16, 3),
)
_BASES = (
    Row("example, first layer", (128, 28, 28, 1), 32, 3),
    Row("example, second layer", (128, 28, 28, 32), 64, 3),
    Row("ResNet, 3x3 at 56", (8, 56, 56, 64), 64, 3),
)
PADDING_MODES = tuple(
    dataclasses.replace(row, name=f"{row.name}, {mode}", padding_mode=mode)
    for row in _BASES
    for mode in ("reflect", "replicate", "circular", "symmetric")
)
GROUPS = (
    Row("2 groups", (8, 28, 28, 64), 64, 3, groups=2),
    Row("4 groups", (8, 28, 28, 64), 64, 3, groups=4),
    Row("32 groups", (8, 28, 28, 128), 128, 3, groups=32),
)

Layer = Callable[[tf.Tensor], tf.Tensor]


def _ours(row: Row, dtype: str) -> Layer:
    layer: Layer = (layers.Conv1D, layers.Conv2D, layers.Conv3D)[row.rank - 1](
        **row.arguments(), padding_mode=row.padding_mode, dtype=dtype
    )
    return layer


def _keras(row: Row, dtype: str) -> Layer:
    arguments = row.arguments() | {"dtype": dtype}
    if 1 < row.groups == row.shape[-1]:
        names = ("filters", "groups")
        return keras.layers.DepthwiseConv2D(**{name: value for name, value in arguments.items() if name not in names})
    return (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)[row.rank - 1](**arguments)


class _PadThenConvolve(keras.layers.Layer):
    """What a Keras user writes for a padding mode that Keras lacks, at stride 1."""

    def __init__(self, row: Row, dtype: str):
        super().__init__(name="pad_then_convolve", dtype=dtype)
        self._width, self._mode = (row.kernel_size - 1) // 2, row.padding_mode
        self._convolution = _keras(dataclasses.replace(row, padding="valid"), dtype)

    def call(self, images: tf.Tensor) -> tf.Tensor:
        width = self._width
        if self._mode in ("reflect", "symmetric"):
            return self._convolution(ops.pad(images, ((0, 0), (width, width), (width, width), (0, 0)), self._mode))
        if self._mode == "circular":
            images = ops.concatenate([images[:, -width:], images, images[:, :width]], 1)
            images = ops.concatenate([images[:, :, -width:], images, images[:, :, :width]], 2)
        else:
            images = ops.concatenate(
                [ops.repeat(images[:, :1], width, 1), images, ops.repeat(images[:, -1:], width, 1)], 1
            )
            images = ops.concatenate(
                [ops.repeat(images[:, :, :1], width, 2), images, ops.repeat(images[:, :, -1:], width, 2)], 2
            )
        return self._convolution(images)


class _SplitThenConvolve(keras.layers.Layer):
    """What a Keras user writes for groups on a CPU."""

    def __init__(self, row: Row, dtype: str):
        super().__init__(name="split_then_convolve", dtype=dtype)
        single = dataclasses.replace(row, filters=row.filters // row.groups, groups=1)
        self._convolutions = [_keras(single, dtype) for _ in range(row.groups)]

    def call(self, images: tf.Tensor) -> tf.Tensor:
        parts = ops.split(images, len(self._convolutions), axis=-1)
        return ops.concatenate([layer(part) for layer, part in zip(self._convolutions, parts, strict=True)], axis=-1)


def _works(layer: Layer, row: Row, dtype: str) -> dict[str, Callable[[], object]]:
    """Returns the layer's forward pass and its forward pass with every gradient, each one call of a graph."""
    images = tf.cast(tf.random.stateless_uniform(row.shape, (0, 0)), dtype)
    layer(images)

    @tf.function
    def forward() -> tf.Tensor:
        return layer(images)

    @tf.function
    def both() -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(images)
            outputs = layer(images)
        return tape.gradient(outputs, [images, *layer.trainable_variables], outputs)  # type: ignore[attr-defined]

    return dict(zip(_KINDS, (forward, both), strict=True))  # on a CPU, a graph's call returns when it has finished


def _sampler(work: Callable[[], object]) -> Callable[[], float]:
    """Returns a function that gives the seconds of one call, measured over enough calls."""
    work()
    repeats = max(1, round(_SAMPLE_SECONDS / timing.sample(work, 1)))

    def sample() -> float:
        work()  # warm-up: the caches have the other's data, and its threads may still be spinning
        return timing.sample(work, repeats)

    return sample


def _compare(row: Row, dtype: str, *, peer: Callable[[Row, str], Layer], rounds: int) -> dict[str, timing.Ratio]:
    works = {"ours": _works(_ours(row, dtype), row, dtype), "peer": _works(peer(row, dtype), row, dtype)}
    if row.padding_mode != "zeros":
        works["free"] = _works(_keras(row, dtype), row, dtype)
    ratios = {}
    for kind in _KINDS:
        seconds = timing.interleave({name: _sampler(work[kind]) for name, work in works.items()}, rounds)
        ratios[kind] = timing.ratio(seconds["ours"], seconds["peer"])
        if "free" in works:
            ratios[f"{kind}, free"] = timing.ratio(seconds["free"], seconds["peer"])
    return ratios


def _serve_torch(connection: Connection) -> None:
    """Times `torch.nn.Conv2d` for a parent process: receives a row, a type and a kind, or None for another sample."""
    import torch

    sampler: Callable[[], float] = float
    while True:
        request = connection.recv()
        if request is not None:
            sampler = _sampler(_torch_work(torch, *request))
        connection.send(sampler())


def _torch_work(torch: Any, row: Row, dtype: str, kind: str) -> Callable[[], object]:
    modes = {"padding": (row.kernel_size - 1) // 2 if row.padding == "same" else 0, "padding_mode": row.padding_mode}
    arguments = {"stride": row.strides, "dilation": row.dilation_rate, "groups": row.groups}
    layer = torch.nn.Conv2d(row.shape[-1], row.filters, row.kernel_size, **arguments, **modes)
    images = torch.rand(row.shape).permute(0, 3, 1, 2)  # channels last in memory
    layer, images = (thing.to(getattr(torch, dtype), memory_format=torch.channels_last) for thing in (layer, images))

    def forward() -> object:
        with torch.no_grad():
            return layer(images)

    def both() -> object:
        images.requires_grad_(True)
        outputs = layer(images)
        return torch.autograd.grad(outputs, [images, *layer.parameters()], outputs.detach())

    return forward if kind == _KINDS[0] else both


def _compare_torch(row: Row, dtype: str, *, child: Connection, rounds: int) -> dict[str, timing.Ratio]:
    works = {"ours": _works(_ours(row, dtype), row, dtype), "primitive": _works(_keras(row, dtype), row, dtype)}
    ratios = {}
    for kind in _KINDS:
        child.send((row, dtype, kind))
        child.recv()

        def torch_sample() -> float:
            child.send(None)
            return float(child.recv())

        samplers = {name: _sampler(work[kind]) for name, work in works.items()}
        seconds = timing.interleave(samplers | {"torch": torch_sample}, rounds)
        ratios[kind] = timing.ratio(seconds["ours"], seconds["torch"])
        ratios[f"{kind}, primitive"] = timing.ratio(seconds["primitive"], seconds["torch"])
    return ratios


def _print_table(
    title: str, rows: Sequence[Row], dtypes: Sequence[str], compare: Callable[[Row, str], dict[str, timing.Ratio]]
) -> None:
    print(f"\n{title}")
    header = ""
    for row in rows:
        for dtype in dtypes:
            ratios = compare(row, dtype)
            if not header:
                header = f"{'':<34}{'':<10}" + "".join(f"{name:>28}" for name in ratios)
                print(header)
            print(f"{row.name:<34}{dtype:<10}" + "".join(f"{ratio!s:>28}" for ratio in ratios.values()), flush=True)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=21, help="samples of each side of a row")
    parser.add_argument("--only", default="", help="rows whose name contains this")
    parser.add_argument("--dtypes", nargs="+", default=["float32", "bfloat16"])
    parser.add_argument("--tiny", action="store_true", help="images of 8 pixels, to see that it runs")
    options = parser.parse_args(arguments)

    def chosen(rows: Sequence[Row]) -> list[Row]:
        return [row.tiny() if options.tiny else row for row in rows if options.only in row.name]

    tables = {
        "ours / keras.layers.Conv": (ZERO_PADDING, _keras),
        "ours / pad, then keras.layers.Conv": (PADDING_MODES, _PadThenConvolve),
        "ours / split, keras.layers.Conv, concatenate": (GROUPS, _SplitThenConvolve),
    }
    for title, (rows, peer) in tables.items():
        _print_table(title, chosen(rows), options.dtypes, functools.partial(_compare, peer=peer, rounds=options.rounds))
    if importlib.util.find_spec("torch") is None:
        print("\nours / torch.nn.Conv2d: left out, PyTorch is not installed")
        return
    parent, child = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve_torch, args=(child,), daemon=True)
    process.start()
    rows = [row for row in (*ZERO_PADDING, *PADDING_MODES) if row.rank == 2 and row.padding_mode != "symmetric"]
    compare = functools.partial(_compare_torch, child=parent, rounds=options.rounds)
    _print_table("ours / torch.nn.Conv2d", chosen(rows), options.dtypes, compare)
    process.terminate()


if __name__ == "__main__":
    main(sys.argv[1:])
