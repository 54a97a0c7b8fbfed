"""How far a bucket is behind the local folders, and the lines about it."""

import time
from collections.abc import Callable

_NOTICED = 60.0  # seconds


class Lag:
    """The time since which changes wait for their upload.

    Args:
      where: the location, for the lines.
      log: called with a line after a minute, then each time the delay has doubled, and at the end.
      clock: returns seconds.
    """

    def __init__(self, where: str, log: Callable[[str], None], clock: Callable[[], float] = time.monotonic):
        self._where, self._log, self._clock = where, log, clock
        self._since: float | None = None
        self._threshold = _NOTICED

    @property
    def seconds(self) -> float:
        """Seconds since the oldest change that is not uploaded; 0 if there is none."""
        since = self._since  # another thread may change it
        return 0.0 if since is None else self._clock() - since

    def note(self, is_pending: bool, since: float | None = None) -> None:
        """Records whether changes are pending.

        Args:
          is_pending: whether changes are pending.
          since: the time before which all changes are uploaded; None if nothing is uploaded.
        """
        if not is_pending:
            self._since = None
        elif self._since is None or since is not None:
            self._since = self._clock() if since is None else since

    def speak(self, reason: str) -> None:
        """Logs a line if one is due."""
        seconds = self.seconds
        if seconds >= self._threshold:
            self._log(f"{self._where} is {seconds:.0f} s behind{f': {reason}' if reason else ''}")
            while self._threshold <= seconds:
                self._threshold *= 2
        elif seconds == 0 and self._threshold > _NOTICED:
            self._log(f"{self._where} has caught up")
            self._threshold = _NOTICED
