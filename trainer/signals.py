"""SIGTERM, SIGINT and SIGHUP: how they stop a program."""

import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from types import FrameType

from trainer.errors import StoppedError

# A closed terminal and its shell both send SIGHUP, so a second SIGHUP does not end a program immediately.
_IMPATIENT = (signal.SIGTERM, signal.SIGINT)
_SIGNALS = (*_IMPATIENT, signal.SIGHUP)
# Seconds in which the same signal may arrive again although it was sent once: `timeout` and service managers signal
# every process of a command, and make forwards the signal.
_ECHO = 1.0
_DEADLINE = 8.0  # seconds from the first signal to the end, without the time of saving
_SHOW_CURSOR = b"\x1b[?25h"  # which a progress bar hides


class Stop:
    """The state of a stop by a signal.

    The first signal raises `StoppedError` in the main thread; inside `deferred`, it only sets `requested`. A second
    SIGTERM or SIGINT ends the process immediately, whatever the main thread does, and so does a deadline. Within a
    second, a repetition of the first signal, or SIGTERM after SIGHUP, does not count as a second signal.

    Attributes:
      signal: the number of the signal; 0 before the first.
    """

    def __init__(self) -> None:
        self.signal = 0
        self._since = 0.0
        self.is_saving = False
        self._is_deferred = False

    def __call__(self, number: int, frame: FrameType | None = None) -> None:
        """Handles a signal."""
        if not self.signal:
            self.signal, self._since = number, time.monotonic()
            if not self._is_deferred:
                raise StoppedError

    @property
    def requested(self) -> bool:
        return self.signal != 0

    @property
    def seconds(self) -> float:
        """Seconds since the signal."""
        return time.monotonic() - self._since if self.signal else 0.0

    @property
    def status(self) -> int:
        """The exit status of a program that was stopped by this signal, as in shells."""
        return 128 + self.signal

    @contextlib.contextmanager
    def deferred(self) -> Iterator[None]:
        """Delays a signal until the end of the block, so that the work in progress can be saved.

        Raises:
          StoppedError: a signal arrived during the block.
        """
        self._is_deferred = True
        try:
            yield
        finally:
            self._is_deferred = False
        if self.requested:
            raise StoppedError

    @contextlib.contextmanager
    def saving(self) -> Iterator[None]:
        """Suspends the deadline; a second signal still ends the process."""
        self.is_saving = True
        try:
            yield
        finally:
            self.is_saving = False


@contextlib.contextmanager
def caught(deadline: float = _DEADLINE, echo: float = _ECHO) -> Iterator[Stop]:
    """Makes SIGTERM, SIGINT and SIGHUP stop this program; enter it in the main thread.

    A signal that is ignored, like SIGHUP with nohup, stays ignored.

    Args:
      deadline: seconds from the first signal to the end of the program, without the time of saving.
      echo: seconds in which a repeated first signal does not count as a second one.
    """
    stop = Stop()
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    former = {number: signal.getsignal(number) for number in _SIGNALS}
    # Python's handlers wait until the main thread returns from its current call; this one does not.
    former_fd = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    watch = threading.Thread(target=_watch, args=(ours, stop, deadline, echo), daemon=True)
    watch.start()
    try:
        for number, handler in former.items():
            if handler is not signal.SIG_IGN:
                signal.signal(number, stop)
        yield stop
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(former_fd)
        theirs.close()
        watch.join()
        ours.close()


def _watch(signals: socket.socket, stop: Stop, deadline: float, echo: float) -> None:
    """Ends the process at the second signal, or at the deadline after the first."""
    numbers = iter(lambda: signals.recv(1), b"")
    first = next((number[0] for number in numbers if number[0] in _SIGNALS), None)
    if first is None:
        return
    begin = time.monotonic()
    while True:
        signals.settimeout(max(0.0, begin + deadline - time.monotonic()) or deadline)
        try:
            again = signals.recv(1)
        except TimeoutError:
            if not stop.is_saving:
                _end(first, f"the program did not end in {deadline:.0f} s")
            continue
        if not again:
            return
        is_echo = first in (again[0], signal.SIGHUP) and time.monotonic() - begin < echo
        if again[0] in _IMPATIENT and not is_echo:
            _end(again[0], "stopped at once")


def _end(number: int, reason: str) -> None:
    with contextlib.suppress(OSError):  # the terminal may be closed
        if os.isatty(1):
            os.write(1, _SHOW_CURSOR + b"\n")
    with contextlib.suppress(OSError):
        os.write(2, f"trainer: {reason}; the same command resumes from the last checkpoint\n".encode())
    os._exit(128 + number)
