"""The duration of an epoch's steps."""

import contextlib
import time
from collections.abc import Callable, Iterator


class Stopwatch:
    """Measures seconds since its start, without pauses.

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
        """Restarts at the given number of seconds."""
        self._begin = self._clock() - seconds

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Excludes the time of the block."""
        seconds = self.seconds
        yield
        self.start(seconds)
