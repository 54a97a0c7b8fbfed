import json
import re
from pathlib import Path

import keras
import pytest

from trainer.training import precision
from trainer.training.precision import Machine, Precision


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


def _measured(monkeypatch: pytest.MonkeyPatch, *speeds: float) -> list[float]:
    """Makes the next measurements give these speeds; returns those that are left."""
    left = [*speeds]
    monkeypatch.setattr(precision, "_bfloat16_speed", lambda: left.pop(0))
    return left


def test_a_machine_is_measured_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = _measured(monkeypatch, 1.9, 0.5)
    assert [precision.look(tmp_path).bfloat16_speed() for _ in range(3)] == [1.9, 1.9, 1.9]
    assert precision.look(tmp_path, {"TF_ENABLE_ONEDNN_OPTS": "0"}).bfloat16_speed() == 0.5  # computes otherwise
    assert left == []


@pytest.mark.parametrize("content", ["", "{", "[]", '{"bfloat16_speed": "fast"}', '{"bfloat16_speed": -1.0}', "null"])
def test_a_damaged_memory_is_measured_anew(content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _measured(monkeypatch, 1.9, 3.0)
    precision.look(tmp_path).bfloat16_speed()
    (file,) = (tmp_path / "precision").iterdir()
    file.write_text(content)
    assert [precision.look(tmp_path).bfloat16_speed() for _ in range(2)] == [3.0, 3.0]
    assert [path.name for path in (tmp_path / "precision").iterdir()] == [file.name]


def test_where_nothing_can_be_written_each_run_measures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    _measured(monkeypatch, 1.9, 3.0)
    assert [precision.look(tmp_path / "file").bfloat16_speed() for _ in range(2)] == [1.9, 3.0]


def test_of_two_that_measure_at_once_the_first_is_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def measured() -> float:
        monkeypatch.setattr(precision, "_bfloat16_speed", lambda: 1.9)
        precision.look(tmp_path).bfloat16_speed()  # another process, meanwhile
        return 0.5

    monkeypatch.setattr(precision, "_bfloat16_speed", measured)
    assert precision.look(tmp_path).bfloat16_speed() == 1.9


def test_a_study_decides_once(tmp_path: Path) -> None:
    file, first, second = tmp_path / "study" / "precision.json", Precision("bfloat16", "fast"), Precision("float32", "")
    assert precision.decided("auto", file, lambda: first) == first
    assert precision.decided("auto", file, lambda: second) == first
    assert precision.decided("float32", file, lambda: second) == second  # asked for
    assert precision.decided("auto", None, lambda: second) == second
    file.write_text(json.dumps({"name": "float8", "reason": ""}))
    assert precision.decided("auto", file, lambda: second) == second


def test_a_measurement_near_the_line_takes_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    def rounds(ratio: float) -> int:
        times: list[int] = []

        def seconds(convolve: object) -> float:
            times.append(1)
            return ratio if len(times) % 2 else 1.0

        monkeypatch.setattr(precision, "_seconds", seconds)
        assert precision._bfloat16_speed() == ratio
        return len(times)

    monkeypatch.setattr(precision, "_convolution", lambda kind: kind)
    assert rounds(3.0) == rounds(0.5) < rounds(1.2) == rounds(1.3)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (keras.layers.Conv2D(4, 3), "bfloat16"),
        (keras.layers.DepthwiseConv2D(3), "float32"),
        (keras.layers.SeparableConv2D(4, 3), "float32"),
        (keras.layers.Conv2D(4, 3, groups=2), "float32"),
        (keras.Sequential([keras.layers.DepthwiseConv2D(3)]), "float32"),
    ],
)
def test_a_cpu_computes_depthwise_convolutions_in_float32(layer: keras.layers.Layer, expected: str) -> None:
    model = keras.Sequential([keras.Input((8, 8, 4)), layer, keras.layers.Flatten(), keras.layers.Dense(2)])
    assert precision.for_network(Precision("bfloat16", "as measured"), model).name == expected
