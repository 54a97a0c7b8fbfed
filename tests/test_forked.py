"""A forked process is to a test what a process of `subprocess` is."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import forked

Run = Callable[..., "subprocess.CompletedProcess[Any]"]

PROGRAM = """
import atexit, os, sys
atexit.register(print, "at exit")
print(__name__, sys.argv[1:], os.getcwd(), os.environ["A"], "HOME" in os.environ, flush=True)
print("error", file=sys.stderr)
sys.exit(int(sys.argv[1]))
"""


@pytest.fixture(params=["forked", "subprocess"])
def run(request: pytest.FixtureRequest) -> Run:
    return forked.run if request.param == "forked" else subprocess.run


@pytest.mark.parametrize("kind", ["-c", "file", "-m"])
def test_has_its_own_arguments_environment_folder_streams_and_status(kind: str, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(PROGRAM)
    words = {"-c": ["-c", PROGRAM], "file": [str(file)], "-m": ["-m", "program"]}[kind]
    done = run(
        [sys.executable, *words, "7", "--b"], env={"A": "1"}, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 7
    assert done.stdout == f"__main__ ['7', '--b'] {tmp_path} 1 False\nat exit\n"
    assert done.stderr == "error\n"


def test_is_not_the_process_of_the_tests_and_has_tensorflow() -> None:
    program = "import os, sys; print(os.getpid(), 'tensorflow' in sys.modules, 'numpy.random' in sys.modules)"
    with forked.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        output, _ = process.communicate(timeout=60)
    assert output == f"{process.pid} True True\n"
    assert process.pid != os.getpid()


def test_an_error_ends_it_with_a_traceback(run: Run) -> None:
    done = run([sys.executable, "-c", "raise ValueError('this one')"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")
    assert done.stderr.endswith("ValueError: this one\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_dies_of_a_signal(number: signal.Signals) -> None:
    program = "import time; print('ready'); time.sleep(60)"
    with forked.Popen([sys.executable, "-u", "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        assert process.poll() is None
        process.send_signal(number)
        assert process.wait(60) == -number


def test_a_text_is_an_exit_status_too(run: Run) -> None:
    done = run([sys.executable, "-c", "import sys; sys.exit('why')"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "why\n")


def test_waits_for_its_threads(run: Run) -> None:
    program = "import threading, time; threading.Thread(target=lambda: (time.sleep(0.2), print('last'))).start()"
    done = run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "last\n")


def test_an_interrupt_is_pythons() -> None:
    """Also where this process ignores it, as one that a shell has started in the background does."""
    program = "import os, signal; os.kill(os.getpid(), signal.SIGINT)"
    done = forked.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == -signal.SIGINT
    assert done.stderr.endswith("KeyboardInterrupt\n")


def test_reads_what_it_is_given_and_writes_to_one_file(tmp_path: Path) -> None:
    program = "import sys; print(sys.stdin.read(), file=sys.stderr, flush=True); print('out')"
    with (tmp_path / "file").open("w") as file:
        process = forked.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=file, stderr=subprocess.STDOUT, text=True
        )
        process.communicate("given", timeout=60)
    assert (tmp_path / "file").read_text() == "given\nout\n"
