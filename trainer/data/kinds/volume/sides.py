"""Whether the sides of volumes have meaning: whether mirrored copies make their classes harder to classify.

The classifier of images looks at each axis in pictures in which it goes from left to right:
`trainer.data.kinds.image.sides`.
"""

import dataclasses
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer.data.kinds.image import sides

SIDE = sides.SIDE
MOST = 300  # volumes; a second's work on two cores for each axis

Array = npt.NDArray[np.float32]

_LEVEL = sides.LEVEL / 3  # any of three axes may differ by chance
_MARGIN = 3  # deviations of chance by which the classifier must be better than the largest class


@dataclasses.dataclass(frozen=True)
class Verdict:
    """The effect of mirrored copies on the classification of volumes.

    Attributes:
      have_meaning: whether they reduce the accuracy along an axis, or it is too low to judge.
      reason: the result, for the log.
    """

    have_meaning: bool
    reason: str


def look(volumes: npt.NDArray[Any], targets: npt.NDArray[np.int32]) -> Verdict:
    """Returns whether the sides of volumes have meaning; the same for the same volumes.

    Args:
      volumes: of any values, `(count, 32, 32, 32, channels)`, at least two.
      targets: their classes' numbers, `(count,)`.
    """
    grey = volumes.astype(np.float32).mean(-1)
    most = float(np.unique(targets, return_counts=True)[1].max() / len(targets))
    needed = most + _MARGIN * math.sqrt(most * (1 - most) / len(targets))
    found = []
    for axis in range(3):
        verdict = sides.look(_pictures(grey, axis), targets, _LEVEL)
        if verdict.have_meaning:
            return Verdict(True, f"the direction of axis {axis + 1} has meaning ({_words(verdict)})")
        found.append(verdict)
    worst = min(found, key=lambda one: one.beside)
    if worst.without <= needed:
        return Verdict(True, f"accuracy is too low to judge mirrored volumes ({_words(worst)})")
    return Verdict(False, f"mirrored volumes do no harm ({_words(worst)})")


def _pictures(volumes: Array, axis: int) -> npt.NDArray[Any]:
    """Returns the middle slices along an axis and the mean of all, `(count, 32, 32, 4)`, all of one contrast."""
    turned = np.moveaxis(volumes, axis + 1, 3)
    middle = turned.shape[1] // 2
    views = [turned[:, middle], turned[:, :, middle], turned.mean(1), turned.mean(2)]
    scaled = [128 + 40 * (view - view.mean()) / (view.std() + 1e-6) for view in views]
    return np.stack(scaled, -1).astype(np.float32)


def _words(verdict: sides.Verdict) -> str:
    return f"{verdict.images:,} volumes: {verdict.without:.0%} correct without mirroring, {verdict.beside:.0%} with it"
