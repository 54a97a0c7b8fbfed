"""A time after which no more work starts."""

import dataclasses
from collections.abc import Callable


@dataclasses.dataclass
class Deadline:
    """Whether there is time left.

    Attributes:
      seconds: the total time, from the creation of this object.
      clock: returns seconds.
    """

    seconds: float
    clock: Callable[[], float]

    def __post_init__(self) -> None:
        self._end = self.clock() + self.seconds

    @property
    def is_over(self) -> bool:
        """Whether no time is left."""
        return self.clock() >= self._end
