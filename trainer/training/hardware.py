"""What computes: the CPU and its cores, the devices, and the variables with which TensorFlow computes otherwise."""

import functools
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

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
        "variables": dict(variables),
    }


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
