"""Cross-validation: which fold each sample belongs to."""

import dataclasses

import numpy as np
import numpy.typing as npt

from trainer.data.lists.stratified import places
from trainer.errors import UsageError

Numbers = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class Fold:
    """One run of a cross-validation.

    Attributes:
      number: the fold whose samples are held out as the test part, from 1; 0 for the final run, which holds out none.
      count: the number of folds.
    """

    number: int
    count: int

    @classmethod
    def read(cls, text: str) -> "Fold | None":
        """Returns the fold that `--folds` names: `3/5` is the third of five, `5` the final run; None for `0`."""
        number, _, count = text.rpartition("/")
        return cls(int(number or 0), int(count)) if int(count) else None

    @property
    def name(self) -> str:
        """The value of `--folds` that `read` accepts."""
        return f"{self.number}/{self.count}" if self.number else str(self.count)


def assign(labels: npt.NDArray[np.integer], order: Numbers, count: int) -> Numbers:
    """Returns the fold of each sample, from 1, `(samples,)`.

    Folds are stratified: each class gives every fold the same number of samples to within one, and the sizes of all
    folds differ by at most one. The samples of a class are divided in their order into consecutive blocks, so an added
    sample moves at most one sample of its class across each border between two blocks.

    Args:
      labels: class numbers from 0, `(samples,)`.
      order: the indices of the samples in a pseudorandom order, `(samples,)`.
      count: the number of folds.

    Raises:
      UsageError: there are fewer samples than folds.
    """
    if len(labels) < count:
        raise UsageError(f"`--folds` must be at most the number of samples to fold, {len(labels)}. Received: {count}")
    sizes = np.bincount(labels)
    # The samples that a class has more than a multiple of the folds go to the folds after those of the class before.
    first = (np.cumsum(sizes) - sizes) % count
    extra = (np.arange(count) - first[:, None]) % count < (sizes % count)[:, None]
    ends = np.cumsum(sizes[:, None] // count + extra, axis=1)
    ordered = labels[order]
    folds = np.empty(len(labels), np.int64)
    folds[order] = 1 + (ends[ordered] <= places(ordered)[:, None]).sum(1)
    return folds
