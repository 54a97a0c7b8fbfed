import re

import keras
import pytest

from trainer.training import precision
from trainer.training.precision import Machine


def _machine(tpu: bool = False, gpus: tuple = (), instructions: tuple = (), speed: float | None = None) -> Machine:
    def measured() -> float:
        assert speed is not None, "measured in vain"
        return speed

    return Machine(tpu, gpus, frozenset(instructions), measured)


@pytest.mark.parametrize(
    ("machine", "name", "reason"),
    [
        (_machine(), "float32", "this CPU has no bfloat16 instructions"),
        (_machine(instructions=("avx512f", "avx2")), "float32", "this CPU has no bfloat16 instructions"),
        (
            _machine(instructions=("amx_bf16", "avx512_bf16"), speed=3.0),
            "bfloat16",
            "amx_bf16 on this CPU .* 3.0 times",
        ),
        (_machine(instructions=("avx512_bf16",), speed=1.9), "bfloat16", "avx512_bf16 on this CPU .* 1.9 times"),
        (_machine(instructions=("avx512_bf16",), speed=0.5), "float32", "avx512_bf16 on this CPU .* 0.5 times"),
        (_machine(instructions=("bf16",), speed=1.1), "float32", "bf16 on this CPU .* 1.1 times"),
        (_machine(gpus=((9, 0),)), "bfloat16", "a GPU of compute capability 9.0"),
        (_machine(gpus=((8, 0), (7, 5))), "float32", "a GPU of compute capability 7.5"),
        (_machine(tpu=True), "bfloat16", "a TPU"),
    ],
)
def test_auto_is_what_the_machine_is_good_at(machine: Machine, name: str, reason: str) -> None:
    chosen = precision.choose("auto", machine)
    assert chosen.name == name
    assert re.search(reason, chosen.reason)


@pytest.mark.parametrize("asked", ["float32", "bfloat16", "float16"])
def test_what_is_asked_for_goes_before(asked: str) -> None:
    chosen = precision.choose(asked, _machine(gpus=((9, 0),)))
    assert str(chosen) == f"{asked} (asked for)"
    policy = keras.DTypePolicy(chosen.policy)
    assert (policy.compute_dtype, policy.variable_dtype) == (asked, "float32")


def test_looks_at_this_machine() -> None:
    machine = precision.look()
    assert precision.choose("auto", machine).name in ("float32", "bfloat16")
    assert machine.bfloat16_speed() > 0
