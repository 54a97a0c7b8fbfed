import itertools
from pathlib import Path

import pytest

from benchmarks import accelerator
from benchmarks.peers import device_epochs
from benchmarks.peers.deadline import Deadline
from benchmarks.peers.setting import Setting
from tests import forked


def test_a_deadline_passes() -> None:
    ticks = itertools.count()
    deadline = Deadline(2.0, lambda: float(next(ticks)))
    assert [deadline.is_over for _ in range(3)] == [False, True, True]


def test_a_peer_that_cannot_be_is_left_out_with_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_epochs.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(device_epochs, "_speed", lambda *_: 100.0)
    lines = [*device_epochs._lines(Setting("", ""), 1, Deadline(1.0, lambda: 0.0), {}, forked.Popen)]
    assert [" ".join(line.split()) for line in lines] == [
        "ours 100",
        "JAX, bfloat16, an epoch a call left out: jax is not installed",
        "PyTorch, bfloat16, compiled left out: torch is not installed",
        "Keras, bfloat16, 20 steps a call, XLA 100 1.00 >= 2.00 no",
        "PyTorch, bfloat16 left out: torch is not installed",
        "Keras, float32 100 1.00 >= 1.00 yes",
    ]


@pytest.mark.slow
def test_prints_its_table(capsys: pytest.CaptureFixture[str]) -> None:
    small = ["--images=32", "--batch=8", "--filters=2", "--rounds=1", "--minutes=5", "--only=speed"]
    accelerator.main(small, forked.Popen)
    machine, *lines = capsys.readouterr().out.splitlines()
    assert machine.startswith("TensorFlow ")
    speeds = [line for line in lines if line.startswith("ours")]
    assert len(speeds) == 2
    assert sum("left out: it has no copy of the network" in line for line in lines) == 3


@pytest.mark.slow
def test_whole_commands_end_in_equal_weights(idx_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["epochs=2", "filters=2", "batch_size=8", "log_images=never", "checkpoint_every=1"]
    accelerator.main(["--only=commands", f"--data={idx_folder}", "--minutes=0", "--flags", *flags], forked.Popen)
    lines = capsys.readouterr().out.splitlines()
    assert any("test accuracy" in line for line in lines)
    assert lines[-1].endswith("no time was left")
