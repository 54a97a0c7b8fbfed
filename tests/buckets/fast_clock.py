"""Time that passes faster than the clock on the wall, for tests of what waits for seconds or minutes."""

import threading
import time


class FastClock:
    """The clock and the waits of a `Storage` or an `Agent`, in step with each other.

    Args:
      factor: seconds that pass in one.
    """

    def __init__(self, factor: float = 1000.0):
        self._factor = factor

    def now(self) -> float:
        return self._factor * time.monotonic()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(seconds / self._factor)
