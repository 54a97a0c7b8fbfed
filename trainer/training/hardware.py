"""What computes: the CPU and its cores, the devices, and the variables with which TensorFlow computes otherwise."""

import functools
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

_TF32_GENERATION = (8, 0)  # NVIDIA's compute capability from which on there are units for it
_OVERRIDE = "NVIDIA_TF32_OVERRIDE"
_VECTORS = ("sse4", "avx", "amx", "fma", "asimd", "sve", "bf16", "i8mm")  # what sums are computed with


def describe(variables: Mapping[str, str]) -> dict[str, Any]:
    """Returns what decides how sums are rounded, in plain values.

    Args:
      variables: of the environment, those with which TensorFlow computes otherwise.
    """
    details = map(tf.config.experimental.get_device_details, tf.config.list_physical_devices("GPU"))
    vectors = sorted(name for name in instructions() if name.startswith(_VECTORS))
    return {
        "cpu": _cpu(),
        "instructions": " ".join(vectors),
        "cores": cores(),
        "threads": _threads(variables.get("TF_NUM_INTRAOP_THREADS", "")),
        "gpus": [str(detail.get("device_name", "GPU")) for detail in details],
        **({"tf32": computes_tf32(variables)} if capabilities() else {}),
        "variables": dict(variables),
    }


def computes_tf32(variables: Mapping[str, str]) -> bool:
    """Returns whether convolutions and matrix products in float32 are in TensorFloat-32, with 10 bits of mantissa.

    Args:
      variables: of the environment, those with which TensorFlow computes otherwise.
    """
    is_on = tf.config.experimental.tensor_float_32_execution_enabled() and variables.get(_OVERRIDE) != "0"
    return is_on and any(capability >= _TF32_GENERATION for capability in capabilities())


def capabilities() -> tuple[tuple[int, int], ...]:
    """Returns the compute capability of each NVIDIA GPU."""
    details = (tf.config.experimental.get_device_details(gpu) for gpu in tf.config.list_physical_devices("GPU"))
    return tuple(detail.get("compute_capability", (0, 0)) for detail in details)


def device_memory() -> int:
    """Returns how many bytes TensorFlow may use of each GPU, of the smallest one; 0 where there is none."""
    if not tf.config.list_physical_devices("GPU"):
        return 0
    # No public function says it.
    from tensorflow.python.client import device_lib

    return min((one.memory_limit for one in device_lib.list_local_devices() if one.device_type == "GPU"), default=0)


def is_deterministic() -> bool:
    """Returns whether TensorFlow refuses what may compute something else each time."""
    # No public function says it.
    from tensorflow.python.framework import config

    return bool(config.is_op_determinism_enabled())


def cores() -> int:
    """Returns how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def has_accelerator() -> bool:
    """Returns whether TensorFlow has a GPU or a TPU."""
    return bool(tf.config.list_physical_devices("GPU") or tf.config.list_logical_devices("TPU"))


def instructions() -> frozenset[str]:
    """Returns what the CPU says that it can do, in Linux's names; nothing on other systems."""
    return frozenset(_cpuinfo().get("Features" if platform.machine() == "aarch64" else "flags", "").split())


def _threads(asked: str) -> int:
    """Returns how many threads share an operation, and so into how many sums TensorFlow divides one."""
    return int(asked) if asked.isdecimal() and int(asked) else cores()


def _cpu() -> str:
    return _cpuinfo().get("model name") or platform.processor() or platform.machine()


@functools.cache
def _cpuinfo() -> dict[str, str]:
    """Returns what Linux says of the first core."""
    try:
        lines = Path("/proc/cpuinfo").read_text().partition("\n\n")[0].splitlines()
    except OSError:
        return {}
    pairs = (line.partition(":") for line in lines)
    return {name.strip(): value.strip() for name, _, value in pairs}
