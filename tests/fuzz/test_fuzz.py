"""Random input: a little of every kind, and that what must be found is found."""

import os
import signal
import sys
import time
from pathlib import Path
from random import Random

import pytest

from tests import forked
from tests.fuzz import __main__ as program
from tests.fuzz import workers
from tests.fuzz.case import Case, Run, judged
from tests.fuzz.kinds import KINDS
from trainer.errors import StorageError, UsageError

_SEED, _FEW = 1, 3


def _raise(error: BaseException) -> None:
    raise error


def test_a_little_of_every_kind(tmp_path: Path) -> None:
    # In a process of its own: TensorFlow's threads, which other tests may have started here, do not survive a fork.
    command = [sys.executable, "-m", "tests.fuzz", f"--seed={_SEED}", f"--count={_FEW}", f"--keep={tmp_path}"]
    done = forked.run(command, capture_output=True, text=True, cwd=forked.ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == f"{_FEW * len(KINDS)} cases of {len(KINDS)} kinds with seed {_SEED}: 0 faults\n"


@pytest.mark.parametrize("kind", ["flags", "locations", "headers", "metrics"])
def test_a_case_is_the_same_input_each_time(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        states = []
        for name in ("a", "b"):
            folder = tmp_path / f"{name}{number}"
            folder.mkdir()
            monkeypatch.chdir(folder)
            random = Random(str(Case(kind, _SEED, number)))
            KINDS[kind](random, folder)
            written = {path.name: path.read_bytes() for path in folder.iterdir()}
            states.append((random.getstate(), written))
        assert states[0] == states[1]


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (lambda: _raise(KeyError("x")), "KeyError: 'x'"),
        (lambda: _raise(RecursionError()), "RecursionError"),
        (lambda: _raise(UsageError("")), "an error without a message"),
        (lambda: 1, "exit status 1"),
        (lambda: 2, "exit status 2 without a word"),
    ],
)
def test_what_must_not_be_is_said(what: Run, said: str) -> None:
    assert said in judged(what)


@pytest.mark.parametrize(
    "what", [lambda: None, lambda: 0, lambda: _raise(UsageError("a\nb")), lambda: _raise(StorageError("a"))]
)
def test_what_may_be_is_not_said(what: Run) -> None:
    assert judged(what) == ""


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (lambda: _raise(KeyError("x")), "KeyError"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "the process ended with -9"),
        (lambda: time.sleep(1000), "no end after "),
    ],
)
def test_a_fault_is_kept_and_the_next_case_runs(tmp_path: Path, what: Run, said: str) -> None:
    def make(random: Random, folder: Path) -> Run:
        (folder / "input").write_bytes(random.randbytes(8))
        return what if folder.name == "2" else lambda: 0

    (fault,) = workers.run({"kind": make}, 7, tmp_path, lambda done: done >= 5, patience=1.0)
    assert said in fault.what
    assert str(fault.case) == "kind-7-2"
    assert (fault.folder / "input").read_bytes() == Random("kind-7-2").randbytes(8)
    assert said in (fault.folder / "fault.txt").read_text()


def test_the_command_runs_one_case_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["--case=flags-1-5", f"--keep={tmp_path}"]) == 0
    assert "nothing is wrong" in capsys.readouterr().out
