"""The classes of a data set, by name among those of a model."""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from trainer.data.lists.natural import natural
from trainer.errors import UsageError, one_line

_SHOWN = 5  # class names in a line


@dataclasses.dataclass(frozen=True)
class Matched:
    """Samples whose class the model has.

    Attributes:
      kept: their indices among all samples, int64 `(samples,)`.
      targets: their class numbers in the model, int32 `(samples,)`.
      unknown: the number of other samples, by class.
      line: what a person should know about the classes; empty if all are the same.
    """

    kept: npt.NDArray[np.int64]
    targets: npt.NDArray[np.int32]
    unknown: Mapping[str, int]
    line: str


def match(labels: Sequence[str], classes: Sequence[str], samples: str, data: str) -> Matched:
    """Returns the samples whose class a model has, whatever the order of the classes in the data.

    Args:
      labels: the class of each sample, by name.
      classes: of the model.
      samples: what a sample is, in the plural.
      data: where the samples are, for messages.

    Raises:
      UsageError: the model has none of the classes.
    """
    counts, numbers = Counter(labels), {name: number for number, name in enumerate(classes)}
    unknown = {name: counts[name] for name in sorted(counts, key=natural) if name not in numbers}
    if len(unknown) == len(counts):
        raise UsageError(
            f"`DATA` must have classes of the model: {_listed(classes)}. Received: {data}, with {_listed([*unknown])}"
        )
    targets = np.array([numbers.get(label, -1) for label in labels], np.int32)
    kept = np.flatnonzero(targets >= 0)
    known = [name for name in classes if name in counts]
    said = []
    if len(known) < len(classes):
        verb = "has" if len(known) == 1 else "have"
        said.append(f"{len(known):,} of the model's {len(classes):,} classes {verb} {samples}: {_listed(known)}")
    if unknown:
        total = sum(unknown.values())
        what = samples.removesuffix("s") if total == 1 else samples
        said.append(f"{total:,} {what} of {_listed([*unknown])} left out: the model does not know this class")
    return Matched(kept, targets[kept], unknown, "; ".join(said))


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return one_line(", ".join(names[:_SHOWN])) + more
