"""Which precision this machine is good at."""

import dataclasses
import platform
import time
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

_POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}
_CPU_INSTRUCTIONS = ("amx_bf16", "avx512_bf16", "bf16")  # Intel's and AMD's, and Arm's, as Linux names them
_GPU_GENERATION = (8, 0)  # NVIDIA's compute capability from which on there are bfloat16 units

# The instructions alone promise nothing: of two CPUs with avx512_bf16 and no amx_bf16, one convolves twice as fast in
# bfloat16 as in float32, one half as fast.
_WORTHWHILE = 1.2


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


def look() -> Machine:
    """Returns this machine. The measurement is made only where it is called: some 50 ms."""
    details = (tf.config.experimental.get_device_details(gpu) for gpu in tf.config.list_physical_devices("GPU"))
    return Machine(
        tpu=bool(tf.config.list_logical_devices("TPU")),
        gpus=tuple(detail.get("compute_capability", (0, 0)) for detail in details),
        instructions=_instructions(),
        bfloat16_speed=_bfloat16_speed,
    )


def _instructions() -> frozenset[str]:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:  # no Linux: Apple's and Windows's builds of TensorFlow have no bfloat16 kernels worth it
        return frozenset()
    name = "Features" if platform.machine() == "aarch64" else "flags"
    line = next((line for line in text.splitlines() if line.startswith(name)), "")
    return frozenset(line.partition(":")[2].split())


def _bfloat16_speed(rounds: int = 12) -> float:
    """Returns the float32 time of a typical convolution over its bfloat16 time.

    Each is the shortest of some, taken in turn: other work on the machine lengthens one or the other, for tens of
    milliseconds on end.
    """
    convolutions = {kind: _convolution(kind) for kind in (tf.float32, tf.bfloat16)}
    seconds = dict.fromkeys(convolutions, float("inf"))
    for _ in range(rounds):
        for kind, convolve in convolutions.items():
            begin = time.perf_counter()
            convolve()
            seconds[kind] = min(seconds[kind], time.perf_counter() - begin)
    return seconds[tf.float32] / seconds[tf.bfloat16]


def _convolution(kind: tf.DType) -> Callable[[], None]:
    with tf.device("CPU:0"):
        images, kernel = tf.ones((32, 28, 28, 32), kind), tf.ones((3, 3, 32, 64), kind)

    def convolve() -> None:
        tf.nn.conv2d(images, kernel, 1, "SAME")[0, 0, 0, 0].numpy()  # which waits for it

    return convolve
