"""Signals, as real processes have them."""

import signal
import subprocess
import sys

import pytest

PROGRAM = """
import sys, time
from trainer import signals
from trainer.errors import StoppedError

with signals.caught(deadline=float(sys.argv[2])) as stop:
    try:
        if sys.argv[1] == "deferred":
            with stop.deferred():
                print("ready", flush=True)
                while not stop.requested:
                    time.sleep(0.01)
                print("saved", flush=True)
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


def _stop(kind: str, *numbers: signal.Signals, deadline: float = 60) -> tuple[int, str, str]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, kind, str(deadline)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    for number in numbers:
        process.send_signal(number)
    said, errors = process.communicate(timeout=60)
    return process.returncode, said, errors


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_what_is_begun_is_saved(number: signal.Signals, status: int) -> None:
    assert _stop("deferred", number) == (status, "saved\n", "")


def test_a_second_signal_ends_it_at_once() -> None:
    status, said, errors = _stop("busy", signal.SIGTERM, signal.SIGINT)
    assert (status, said) in ((130, ""), (143, ""))  # signals that are pending together come in their own order
    assert errors.startswith("trainer: stopped at once; the same command goes on")


def test_whatever_it_does_it_ends_by_the_deadline() -> None:
    status, said, errors = _stop("deaf", signal.SIGTERM, deadline=0.2)
    assert (status, said) == (143, "")
    assert errors.startswith("trainer: the program did not come to an end in 0 s; the same command goes on")


def test_the_deadline_waits_for_what_is_being_saved() -> None:
    assert _stop("saving", signal.SIGTERM, deadline=0.2) == (143, "saved\n", "")


def test_an_ignored_signal_stays_ignored() -> None:
    program = (
        "import os, signal; from trainer import signals\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "with signals.caught() as stop: os.kill(os.getpid(), signal.SIGINT); print(stop.requested)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
