"""How often one object may be written."""

import threading
from collections.abc import Callable

from tests.gcs import refusals


class RateLimit:
    """A bucket of one token for each object, full again a second after it was taken.

    The service documents "one write per second to the same object name" and tolerates short bursts; this does not, so
    that what passes here never relies on one: https://cloud.google.com/storage/quotas#objects
    """

    def __init__(self, clock: Callable[[], float], seconds: float = 1.0) -> None:
        self._clock = clock
        self._seconds = seconds
        self._taken: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def __call__(self, bucket: str, name: str) -> None:
        """Takes the token, or raises `Refused`."""
        with self._lock:
            now = self._clock()
            if now - self._taken.get((bucket, name), float("-inf")) < self._seconds:
                raise refusals.too_fast(bucket, name)
            self._taken[bucket, name] = now


def unlimited(bucket: str, name: str) -> None:
    """Lets every object be written as often as one likes."""
