import contextlib
import importlib.util
from pathlib import Path

import pytest

from benchmarks import training
from benchmarks.peers import epochs, processes
from benchmarks.peers.setting import Setting
from benchmarks.peers.table import Row
from benchmarks.timing import Ratio
from tests import forked

_RATIO = Ratio(median=2.0, low=1.5, high=2.5)


def _words(line: str) -> str:
    return " ".join(line.split())


def test_a_row_says_whether_it_reaches_its_figure() -> None:
    faster = Row("images/s, Keras", "2,000", "1,000", _RATIO, goal=2.0, more_is_better=True)
    larger = Row("peak memory", "2,000 MB", "1,000 MB", _RATIO, goal=1.0, more_is_better=False)
    assert _words(str(faster)) == "images/s, Keras 2,000 1,000 2.00 (1.50 to 2.50) >= 2.00 yes"
    assert _words(str(larger)) == "peak memory 2,000 MB 1,000 MB 2.00 (1.50 to 2.50) <= 1.00 no"


def test_a_peer_that_is_not_installed_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    names = epochs.COMPARISONS["jax"].theirs
    with contextlib.ExitStack() as stack:
        peers, absent = epochs._start(names, Setting("digits", "unread.npz"), stack)
    assert peers == {}
    assert absent == dict.fromkeys(names, "jax is not installed")
    assert _words(epochs._line(epochs.COMPARISONS["jax"], peers, absent)) == (
        "images/s, JAX, float32 left out: jax is not installed"
    )


def test_rejects_a_data_set_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"\Abenchmarks.training: .* ended with status 1: .*missing.*\Z"):
        training.main(["--data=missing", "--only", "keras"], forked.Popen)
    assert "missing" in capsys.readouterr().err


@pytest.mark.slow
def test_prints_every_row_that_is_asked_for(idx_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["primitives", "float32", "accuracy", "command", "start", "memory"]
    small = ["--batch=8", "--epochs=1", "--rounds=1", "--seeds=1"]
    training.main([f"--data={idx_folder}", f"--command-data={idx_folder}", *small, "--only", *asked], forked.Popen)
    machine, _, header, *lines = capsys.readouterr().out.splitlines()
    assert "CPUs" in machine
    assert "to reach" in header
    names = [(epochs.COMPARISONS[key].name if key in epochs.COMPARISONS else processes.NAMES[key]) for key in asked]
    for name in names:
        (line,) = (line for line in lines if line.startswith(name))
        assert line.endswith(("yes", "no"))
    assert sum(" epochs" in line for line in lines) == 3  # a note for each peer
