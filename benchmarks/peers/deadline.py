"""A time after which nothing more is started."""

import dataclasses
from collections.abc import Callable


@dataclasses.dataclass
class Deadline:
    """Whether there is time left.

    Attributes:
      seconds: in all, from when this was made.
      clock: seconds.
    """

    seconds: float
    clock: Callable[[], float]

    def __post_init__(self) -> None:
        self._end = self.clock() + self.seconds

    @property
    def is_over(self) -> bool:
        """Whether no time is left."""
        return self.clock() >= self._end
