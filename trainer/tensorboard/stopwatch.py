"""The time that an epoch's steps take."""

import contextlib
import time
from collections.abc import Callable, Iterator


class Stopwatch:
    """Measures seconds since it was started, without those in which it was paused.

    Args:
      clock: seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter):
        self._clock, self._begin = clock, 0.0

    @property
    def seconds(self) -> float:
        """The seconds so far."""
        return self._clock() - self._begin

    def start(self, seconds: float = 0.0) -> None:
        """Starts anew, at so many seconds."""
        self._begin = self._clock() - seconds

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Leaves out the time of the block."""
        seconds = self.seconds
        yield
        self.start(seconds)
