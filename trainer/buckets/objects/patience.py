"""How often and how long a request is retried."""

import dataclasses
import random
import threading
import time
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


@dataclasses.dataclass(frozen=True)
class Patience:
    """Retries with pauses that double, each shortened at random so that many machines do not retry in step.

    Attributes:
      seconds: the maximum total time.
      first: the first pause, in seconds.
      longest: the longest pause, in seconds.
      clock: returns seconds.
      wait: waits for the given seconds; returns True if the call must be given up.
      between: returns a random number between two numbers.
    """

    seconds: float = 30.0
    first: float = 0.5
    longest: float = 4.0  # at most a fraction of the 20 s between SIGTERM and the end
    clock: Callable[[], float] = time.monotonic
    wait: Callable[[float], bool] = dataclasses.field(default_factory=lambda: threading.Event().wait)
    between: Callable[[float, float], float] = random.uniform

    def run(self, call: Callable[[], _T], is_passing: Callable[[Exception], bool]) -> _T:
        """Returns the result of a call that is retried.

        Args:
          call: may be called several times.
          is_passing: returns whether an error is temporary, so that the call is repeated.

        Raises:
          Exception: the last error: it is permanent, or the time is over.
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
