"""Which precision this machine is good at."""

import contextlib
import dataclasses
import hashlib
import json
import math
import os
import statistics
import time
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from trainer import files
from trainer.training import hardware

_POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}
_CPU_INSTRUCTIONS = ("amx_bf16", "avx512_bf16", "bf16")  # Intel's and AMD's, and Arm's, as Linux names them
_GPU_GENERATION = (8, 0)  # NVIDIA's compute capability from which on there are bfloat16 units

# The instructions alone promise nothing: of two CPUs with avx512_bf16 and no amx_bf16, one convolves twice as fast in
# bfloat16 as in float32, one half as fast.
_WORTHWHILE = 1.2
_CLEAR = 1.5  # times that, or less than it by as much: no further measurement is needed
_ROUNDS, _MOST_ROUNDS = 11, 55

_DEPTHWISE = (
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D,
)


@dataclasses.dataclass(frozen=True)
class Precision:
    """What a network computes in; its weights are float32 always.

    Attributes:
      name: float32, bfloat16 or float16.
      reason: why, for a person.
    """

    name: str
    reason: str

    @property
    def policy(self) -> str:
        """Keras's name of the layers' dtype policy."""
        return _POLICIES[self.name]

    def __str__(self) -> str:
        return f"{self.name} ({self.reason})"


@dataclasses.dataclass(frozen=True)
class Machine:
    """What decides the precision.

    Attributes:
      tpu: whether there is one.
      gpus: the compute capability of each NVIDIA GPU.
      instructions: what the CPU says that it can do, in Linux's names.
      bfloat16_speed: measures how many times as fast as in float32 the CPU convolves in bfloat16.
    """

    tpu: bool
    gpus: tuple[tuple[int, int], ...]
    instructions: frozenset[str]
    bfloat16_speed: Callable[[], float]


def choose(asked: str, machine: Machine) -> Precision:
    """Returns the precision that was asked for or, for `auto`, the one in which the machine is fastest."""
    if asked != "auto":
        return Precision(asked, "asked for")
    if machine.tpu:
        return Precision("bfloat16", "a TPU")
    if machine.gpus:
        lowest = min(machine.gpus)
        generation = "a GPU of compute capability {}.{}".format(*lowest)
        return Precision("bfloat16" if lowest >= _GPU_GENERATION else "float32", generation)
    found = next((name for name in _CPU_INSTRUCTIONS if name in machine.instructions), None)
    if found is None:
        return Precision("float32", "this CPU has no bfloat16 instructions")
    speed = machine.bfloat16_speed()
    return Precision(
        "bfloat16" if speed >= _WORTHWHILE else "float32",
        f"{found} on this CPU convolves {speed:.1f} times as fast as float32 does",
    )


def for_network(chosen: Precision, model: keras.Model) -> Precision:
    """Returns the precision in which a CPU that was found to be faster in `chosen` trains a network fastest.

    Depthwise convolutions have no kernels for bfloat16 there: a training step took 1.5 times as long as in float32 with
    MobileNetV3Small, 2.0 times with EfficientNetB0, and 0.65 times with ResNet50, which has none.
    """
    layers = model._flatten_layers(include_self=False, recursive=True)
    if any(isinstance(layer, _DEPTHWISE) or getattr(layer, "groups", 1) > 1 for layer in layers):
        return Precision("float32", "in which a CPU is faster at depthwise convolutions")
    return chosen


def decided(asked: str, file: Path | None, choose: Callable[[], Precision]) -> Precision:
    """Returns the precision in a file, where `auto` is asked for; else chooses one and leaves it there.

    So that the trials of a study, which are compared, compute alike.

    Args:
      asked: of `--precision`.
      file: shared by several runs; None where a run decides for itself.
      choose: returns the precision, where there is none.
    """
    if asked != "auto" or file is None:
        return choose()
    return Precision(**_remembered(file, _is_precision, lambda: dataclasses.asdict(choose())))


def look(cache: Path | None = None, variables: Mapping[str, str] | None = None) -> Machine:
    """Returns this machine. A measurement is made only where it is called, some 0.3 s, and remembered in the cache.

    Args:
      cache: a folder; None remembers nothing.
      variables: of the environment, those with which TensorFlow computes otherwise.
    """
    return Machine(
        tpu=bool(tf.config.list_logical_devices("TPU")),
        gpus=hardware.capabilities(),
        instructions=hardware.instructions(),
        bfloat16_speed=lambda: _remembered_speed(cache, variables or {}) if cache else _bfloat16_speed(),
    )


def _remembered_speed(cache: Path, variables: Mapping[str, str]) -> float:
    """Returns the speed that was measured on such a machine before, so that a command chooses the same each time."""
    versions = {name: _version(name) for name in ("tensorflow", "trainer")}
    about = {**hardware.describe(variables), **versions}
    file = cache / "precision" / f"{hashlib.sha256(json.dumps(about).encode()).hexdigest()[:16]}.json"
    found = _remembered(file, _is_speed, lambda: {"bfloat16_speed": _bfloat16_speed(), "machine": about})
    return float(found["bfloat16_speed"])


def _remembered(
    file: Path, is_right: Callable[[Any], bool], find: Callable[[], Mapping[str, Any]]
) -> Mapping[str, Any]:
    """Returns the content of a JSON file, and writes it first where there is none that is right.

    Of processes that write it at the same time, the first one's stays, and the others take that. A folder that cannot
    be written remembers nothing.
    """
    known = _read(file, is_right)
    if known is not None:
        return known
    found = find()
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        files.replace(partial, json.dumps(found, indent=2), "\n")
        try:
            with contextlib.suppress(OSError):  # it is there, or the file system has no links
                os.link(partial, file)
            if _read(file, is_right) is None:  # it was damaged
                partial.replace(file)
        finally:
            partial.unlink(missing_ok=True)
    written = _read(file, is_right)
    return found if written is None else written


def _read(file: Path, is_right: Callable[[Any], bool]) -> Mapping[str, Any] | None:
    try:
        content = json.loads(file.read_text())
    except (OSError, ValueError):
        return None
    return content if is_right(content) else None


def _is_speed(content: Any) -> bool:
    speed = content.get("bfloat16_speed") if isinstance(content, dict) else None
    return isinstance(speed, float) and math.isfinite(speed) and speed > 0


def _is_precision(content: Any) -> bool:
    if not isinstance(content, dict) or set(content) != {"name", "reason"}:
        return False
    return content["name"] in _POLICIES and isinstance(content["reason"], str)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _bfloat16_speed() -> float:
    """Returns how many times as long a typical convolution takes in float32 as in bfloat16.

    The two are timed in turn, and the median of the ratios is taken: other work on the machine lengthens one or the
    other, for tens of milliseconds on end. More rounds follow where the answer is near the line.
    """
    convolutions = [_convolution(kind) for kind in (tf.float32, tf.bfloat16)]
    for convolve in convolutions:  # the first call prepares the kernel
        _seconds(convolve)
    ratios: list[float] = []
    while True:
        for _ in range(_ROUNDS):
            whole, half = map(_seconds, convolutions)
            ratios.append(whole / half)
        speed = statistics.median(ratios)
        if len(ratios) >= _MOST_ROUNDS or not _WORTHWHILE / _CLEAR < speed < _WORTHWHILE * _CLEAR:
            return speed


def _seconds(function: Callable[[], None]) -> float:
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def _convolution(kind: tf.DType) -> Callable[[], None]:
    with tf.device("CPU:0"):
        images, kernel = tf.ones((32, 28, 28, 32), kind), tf.ones((3, 3, 32, 64), kind)

    def convolve() -> None:
        tf.nn.conv2d(images, kernel, 1, "SAME")[0, 0, 0, 0].numpy()  # which waits for it

    return convolve
