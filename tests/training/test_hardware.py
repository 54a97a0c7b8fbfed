import json
import os

import pytest
import tensorflow as tf

from trainer.training import devices, hardware


def test_describes_this_machine_in_plain_values() -> None:
    found = hardware.describe({"XLA_FLAGS": "--none"})
    assert json.loads(json.dumps(found)) == found
    assert found["cpu"]
    assert found["cores"] == len(os.sched_getaffinity(0))
    assert found["variables"] == {"XLA_FLAGS": "--none"}


@pytest.mark.parametrize(("asked", "more"), [("3", 3), ("0", None), ("", None), ("many", None)])
def test_the_threads_are_those_asked_for_else_one_for_each_core(asked: str, more: int | None) -> None:
    found = hardware.describe({"TF_NUM_INTRAOP_THREADS": asked})
    assert found["threads"] == (more or found["cores"])


class _Gpus:
    """Stands in for TensorFlow's list of GPUs: this machine has none."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *capabilities: tuple[int, int]):
        gpus = [f"GPU:{index}" for index in range(len(capabilities))]
        details = dict(zip(gpus, capabilities, strict=True))
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: gpus if kind == "GPU" else ["CPU:0"])
        monkeypatch.setattr(
            tf.config.experimental, "get_device_details", lambda gpu: {"compute_capability": details[gpu]}
        )


@pytest.mark.parametrize(
    ("capabilities", "variables", "expected"),
    [
        ((), {}, None),
        (((7, 5),), {}, False),
        (((9, 0),), {}, True),
        (((9, 0),), {"NVIDIA_TF32_OVERRIDE": "0"}, False),
    ],
)
def test_says_whether_float32_is_tensorfloat32(
    capabilities: tuple[tuple[int, int], ...],
    variables: dict[str, str],
    expected: bool | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _Gpus(monkeypatch, *capabilities)
    # As TensorFlow begins; a test of layers that ran before in this process may have turned it off.
    monkeypatch.setattr(tf.config.experimental, "tensor_float_32_execution_enabled", lambda: True)
    assert hardware.describe(variables).get("tf32") == expected


@pytest.mark.parametrize("is_deterministic", [True, False])
def test_gpus_are_shared_and_deterministic_if_asked(is_deterministic: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    _Gpus(monkeypatch, (9, 0), (9, 0))
    done: list[object] = []
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", lambda gpu, grows: done.append((gpu, grows)))
    monkeypatch.setattr(tf.config.experimental, "enable_op_determinism", lambda: done.append("deterministic"))
    devices.choose("single", None, None, is_deterministic=is_deterministic)
    assert done == [("GPU:0", True), ("GPU:1", True), *(["deterministic"] if is_deterministic else [])]


def test_without_a_gpu_no_device_has_memory_of_its_own() -> None:
    assert hardware.device_memory() == 0
