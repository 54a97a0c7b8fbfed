"""One row of a table of ratios, and whether it reaches its goal."""

import dataclasses

from benchmarks.timing import Ratio

NAME_WIDTH = 48
HEADER = f"{'':<{NAME_WIDTH}}{'ours':>12}{'theirs':>12}{'ratio, middle half':>24}   to reach"


@dataclasses.dataclass(frozen=True)
class Row:
    """A comparison.

    Attributes:
      name: the two things that are compared.
      ours: our figure, with its unit.
      theirs: the peer's figure.
      ratio: their ratio, from the rounds.
      goal: the goal for the median.
      more_is_better: whether the goal is a minimum instead of a maximum.
    """

    name: str
    ours: str
    theirs: str
    ratio: Ratio
    goal: float
    more_is_better: bool

    @property
    def is_reached(self) -> bool:
        return self.ratio.median >= self.goal if self.more_is_better else self.ratio.median <= self.goal

    def __str__(self) -> str:
        goal = f"{'>=' if self.more_is_better else '<='}{self.goal:>5.2f}  {'yes' if self.is_reached else 'no'}"
        return f"{self.name:<{NAME_WIDTH}}{self.ours:>12}{self.theirs:>12}{self.ratio!s:>24}   {goal}"


def left_out(name: str, reason: str) -> str:
    """Returns the line of a row that could not be measured."""
    return f"{name:<{NAME_WIDTH}}left out: {reason}"
