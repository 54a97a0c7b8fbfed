"""How often and how long a request is tried again."""

import dataclasses
import random
import threading
import time
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


@dataclasses.dataclass(frozen=True)
class Patience:
    """Tries again after pauses that double, each shortened by chance so that many machines do not ask in step.

    Attributes:
      seconds: how long at most.
      first: the first pause, in seconds.
      longest: what the pauses grow to.
      clock: seconds.
      wait: waits so many seconds; returns True where the call is to be given up.
      between: returns a random number between two.
    """

    seconds: float = 30.0
    first: float = 0.5
    longest: float = 4.0  # of the 20 s between SIGTERM and the end, a pause must not take half
    clock: Callable[[], float] = time.monotonic
    wait: Callable[[float], bool] = dataclasses.field(default_factory=lambda: threading.Event().wait)
    between: Callable[[float, float], float] = random.uniform

    def run(self, call: Callable[[], _T], is_passing: Callable[[Exception], bool]) -> _T:
        """Returns what a call returns in the end.

        Args:
          call: may be called several times.
          is_passing: returns whether an error may pass, and the call is to be made again.

        Raises:
          Exception: the last error, one that does not pass or that has lasted too long.
        """
        end, pause = self.clock() + self.seconds, self.first
        while True:
            try:
                return call()
            except Exception as error:
                shortened = self.between(pause / 2, pause)
                if not is_passing(error) or self.clock() + shortened > end or self.wait(shortened):
                    raise
                pause = min(2 * pause, self.longest)
