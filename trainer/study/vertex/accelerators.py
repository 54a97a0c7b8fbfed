"""Which machines take which GPUs, by Google's documentation; a machine that it does not name is not checked.

https://cloud.google.com/vertex-ai/docs/training/configure-compute
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_N1 = "n1-standard-8"
# Of each accelerator, the machines that take it, by how their names begin, and one of them.
_MACHINES: dict[str, tuple[str | tuple[str, ...], str]] = {
    "NVIDIA_TESLA_P4": ("n1-", _N1),
    "NVIDIA_TESLA_P100": ("n1-", _N1),
    "NVIDIA_TESLA_T4": ("n1-", _N1),
    "NVIDIA_TESLA_V100": ("n1-", _N1),
    "NVIDIA_L4": ("g2-", "g2-standard-8"),
    "NVIDIA_TESLA_A100": (("a2-highgpu-", "a2-megagpu-"), "a2-highgpu-1g"),
    "NVIDIA_A100_80GB": ("a2-ultragpu-", "a2-ultragpu-1g"),
    "NVIDIA_H100_80GB": (("a3-highgpu-", "a3-edgegpu-"), "a3-highgpu-8g"),
    "NVIDIA_H100_MEGA_80GB": ("a3-megagpu-", "a3-megagpu-8g"),
    "NVIDIA_H200_141GB": ("a3-ultragpu-", "a3-ultragpu-8g"),
    "NVIDIA_B200": ("a4-highgpu-", "a4-highgpu-8g"),
}
_L4S = {"g2-standard-24": 2, "g2-standard-48": 4, "g2-standard-96": 8}  # the smaller ones have one each


def problems(machine: Mapping[str, Any]) -> Iterator[str]:
    """Yields a problem if a machine and its accelerator do not fit, with the flag that changes it.

    Args:
      machine: a `machineSpec`, in JSON's form.
    """
    kind, accelerator = (str(machine.get(name, "")) for name in ("machineType", "acceleratorType"))
    starts, example = _MACHINES.get(accelerator, ("", ""))
    built_in = [name for name, (start, _) in _MACHINES.items() if start != "n1-" and kind.startswith(start)]
    if kind and not kind.startswith(starts):
        yield f"`--machine_type` must be one that takes {accelerator}, as in {example}. Received: {kind}"
    elif built_in and not accelerator:
        yield f"`--accelerator_type` must be {built_in[0]} with --machine_type={kind}. Received: nothing"
    elif accelerator in built_in and str(machine.get("acceleratorCount")) != str(_count(kind)):
        rule = f"must be {_count(kind)} with --machine_type={kind}"
        yield f"`--accelerator_count` {rule}. Received: {machine.get('acceleratorCount', 'nothing')}"


def _count(kind: str) -> int:
    """Returns how many GPUs are built into a machine of type G2, A2, A3 or A4."""
    match = re.search(r"-(\d+)g$", kind)
    return int(match[1]) if match else _L4S.get(kind, 1)
