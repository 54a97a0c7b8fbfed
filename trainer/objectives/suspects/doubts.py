"""What is found of suspect targets, for the list, the screen and the page."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]
Targets = npt.NDArray[Any]  # `(samples,)` of classes, else `(samples, outputs)`
More = Callable[[], Sequence[Array]]  # returns what the neighbours of the samples have, `(samples, outputs)` each


@dataclasses.dataclass(frozen=True)
class Doubt:
    """What speaks against the target of a sample.

    Attributes:
      row: of the sample among those that were checked.
      predicted: what is predicted instead, or which labels are wrong.
      said: all of it, in texts, each with the name that follows it, which is the user's.
      probability: of what is predicted; None for numbers.
      given_probability: of what is given; None for numbers.
      residual: the number less its prediction, in standard deviations of these differences; None otherwise.
    """

    row: int
    predicted: str
    said: Sequence[tuple[str, str]]
    probability: float | None = None
    given_probability: float | None = None
    residual: float | None = None


@dataclasses.dataclass(frozen=True)
class Words:
    """How a target's suspects are described; `{samples}` stands for what the samples are, as in images.

    Attributes:
      heading: of the list: what is given of a sample, in the plural.
      problem: in the list, of a suspect.
      nothing: a sentence if there is none.
      about: what is shown of the suspects.
      share: what the estimated share is of; empty if none is estimated.
    """

    heading: str
    problem: str
    nothing: str
    about: str
    share: str = ""


@dataclasses.dataclass(frozen=True)
class Doubts:
    """The samples in the order in which their targets are suspect.

    Attributes:
      order: the rows of all checked samples, the most suspect first.
      listed: the first of them, whose target is probably wrong.
      share: the estimated share of wrong classes or labels; None for numbers.
    """

    order: Indices
    listed: Sequence[Doubt]
    share: float | None
