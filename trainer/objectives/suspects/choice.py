"""By target, how suspects are found and described."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from trainer.hparams import CLASSES, LABELS, NUMBERS
from trainer.objectives.suspects import classes, labels, numbers
from trainer.objectives.suspects.doubts import Array, Doubts, More, Targets, Words


@dataclasses.dataclass(frozen=True)
class Suspicion:
    """How suspects of a target are found and described.

    Attributes:
      find: returns them, from targets, predictions out of fold, the names of the outputs, and a function that returns
        more sources.
      given: returns the target of a sample as text, from it and the names of the outputs.
      words: for the list.
    """

    find: Callable[[Targets, Array, Sequence[str], More], Doubts]
    given: Callable[[Targets, Sequence[str]], str]
    words: Words


BY_TARGET: Mapping[str, Suspicion] = {
    CLASSES: Suspicion(classes.find, classes.given, classes.WORDS),
    LABELS: Suspicion(labels.find, labels.given, labels.WORDS),
    NUMBERS: Suspicion(numbers.find, numbers.given, numbers.WORDS),
}
