"""Signals, as real processes have them."""

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys, time
from trainer import output, signals
from trainer.errors import StoppedError

output.outlive_readers()
with signals.caught(float(sys.argv[2]), *map(float, sys.argv[3:])) as stop:
    try:
        if sys.argv[1] == "deferred":
            with stop.deferred():
                print("ready", flush=True)
                while not stop.requested:
                    time.sleep(0.01)
                print("saved", flush=True)
        elif sys.argv[1] == "patient":
            with stop.deferred():
                print("ready", flush=True)
                while not stop.requested:
                    time.sleep(0.01)
                print("asked", flush=True)
                time.sleep(60)
        elif sys.argv[1] == "saving":
            with stop.deferred(), stop.saving():
                print("ready", flush=True)
                time.sleep(1)
                print("saved", flush=True)
        else:  # busy, and deaf to Python's own handlers
            with stop.deferred():
                print("ready", flush=True)
                sum(1 for _ in iter(int, 1)) if sys.argv[1] == "deaf" else time.sleep(60)
    except StoppedError:
        sys.exit(stop.status)
sys.exit(9)
"""


def _stop(kind: str, *numbers: signal.Signals, deadline: float = 60, echo: float = 60) -> tuple[int, str, str]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, kind, str(deadline), str(echo)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    for number in numbers:
        process.send_signal(number)
    said, errors = process.communicate(timeout=60)
    return process.returncode, said, errors


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)])
def test_what_is_begun_is_saved(number: signal.Signals, status: int) -> None:
    assert _stop("deferred", number) == (status, "saved\n", "")


@pytest.mark.parametrize(
    "numbers",
    [
        [signal.SIGTERM, signal.SIGTERM],  # a group's, and make's
        [signal.SIGHUP, signal.SIGHUP],  # the terminal's, and the shell's
        [signal.SIGHUP, signal.SIGTERM],  # a session that ends
        [signal.SIGINT, signal.SIGHUP],
    ],
)
def test_what_is_sent_on_is_no_second_signal(numbers: list[signal.Signals]) -> None:
    status, said, errors = _stop("saving", *numbers)
    assert status in [128 + number for number in numbers]
    assert (said, errors) == ("saved\n", "")


def test_the_same_signal_ends_it_at_once_where_it_is_no_echo() -> None:
    command = [sys.executable, "-c", PROGRAM, "patient", "60", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in ("ready\n", "asked\n"):
        assert process.stdout.readline() == line
        process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=60)[1].startswith("trainer: stopped at once")
    assert process.returncode == 143


def test_a_terminal_that_is_closed_stops_and_saves() -> None:
    reading, writing = os.pipe()
    process, terminal = pty.fork()
    if not process:
        os.dup2(writing, 3)
        os.execv(sys.executable, [sys.executable, "-c", PROGRAM.replace('print("saved"', _SAVED), "deferred", "60"])
    os.close(writing)
    while b"ready" not in os.read(terminal, 100):
        pass
    os.close(terminal)
    with os.fdopen(reading, "rb") as pipe:
        assert pipe.read() == b"saved"
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 129


# To nobody, and then to who waits for it.
_SAVED = 'print("x" * 100000, flush=True); import os; os.write(3, b"saved"); print("saved"'


def test_a_stop_of_make_and_all_that_it_runs_is_one_stop(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "Makefile").write_text(f"run:\n\t@{sys.executable} program.py saving 60 30\n")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    process = subprocess.Popen(
        ["make", "--no-print-directory", "run"],  # which make prints where it runs below another
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    os.killpg(process.pid, signal.SIGTERM)  # as `timeout make run` does; make sends its own too
    said, errors = process.communicate(timeout=60)
    assert said == "saved\n"
    assert "at once" not in errors


def test_a_second_signal_ends_it_at_once() -> None:
    status, said, errors = _stop("busy", signal.SIGTERM, signal.SIGINT)
    assert (status, said) in ((130, ""), (143, ""))  # signals that are pending together come in their own order
    assert errors.startswith("trainer: stopped at once; the same command resumes")


def test_whatever_it_does_it_ends_by_the_deadline() -> None:
    status, said, errors = _stop("deaf", signal.SIGTERM, deadline=0.2)
    assert (status, said) == (143, "")
    assert errors.startswith("trainer: the program did not end in 0 s; the same command resumes")


def test_the_deadline_waits_for_what_is_being_saved() -> None:
    assert _stop("saving", signal.SIGTERM, deadline=0.2) == (143, "saved\n", "")


@pytest.mark.parametrize("name", ["SIGINT", "SIGHUP"])  # in the background, and with nohup
def test_an_ignored_signal_stays_ignored(name: str) -> None:
    program = (
        "import os, signal; from trainer import signals\n"
        f"signal.signal(signal.{name}, signal.SIG_IGN)\n"
        f"with signals.caught() as stop: os.kill(os.getpid(), signal.{name}); print(stop.requested)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
