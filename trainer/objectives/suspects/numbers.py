"""Suspect numbers: those that are far from their predictions."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from trainer.objectives.suspects.doubts import Array, Doubt, Doubts, More, Targets, Words

WORDS = Words(
    heading="numbers",
    problem="number",
    nothing="No {samples} have a number that is probably wrong.",
    about="A number is far from the prediction of a network that was not trained on the sample: above 3.5 standard "
    "deviations of all such differences, estimated from their median.",
)

# "Modified z-scores" above 3.5 are potential outliers: B. Iglewicz, D. Hoaglin, "How to Detect and Handle Outliers",
# 1993. Of normal differences that is one of 2,100.
_FAR = 3.5
_MEDIAN = 0.6745  # of the absolute values of normal numbers with a standard deviation of 1


def find(targets: Targets, predictions: Array, names: Sequence[str], more: More) -> Doubts:
    """Returns the suspect numbers; the farthest of a sample's numbers decides.

    Args:
      targets: `(samples, numbers)`.
      predictions: out of fold, `(samples, numbers)`.
      names: of the numbers.
      more: not used.
    """
    far = standardised(targets.astype(np.float64) - predictions)
    farthest = np.abs(far).max(1)
    order = np.argsort(-farthest, kind="stable")
    listed = []
    for row in map(int, order[: int((farthest > _FAR).sum())]):
        said: list[tuple[str, str]] = []
        before = ""
        for index in map(int, np.flatnonzero(np.abs(far[row]) > _FAR)):
            said.append((before, names[index]))
            before = (
                f" {targets[row, index]:.6g}, predicted {predictions[row, index]:.6g} "
                f"({abs(far[row, index]):.1f} standard deviations), "
            )
        said.append((before.removesuffix(", "), ""))
        worst = float(far[row, np.abs(far[row]).argmax()])
        listed.append(Doubt(row, given(predictions[row], names), said, residual=worst))
    return Doubts(order, listed, None)


def standardised(differences: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Returns differences in standard deviations from the median of each column, which wrong numbers hardly change.

    Args:
      differences: `(samples, numbers)`.
    """
    centred = differences - np.median(differences, axis=0)
    spread = np.median(np.abs(centred), axis=0) / _MEDIAN
    spread = np.where(spread > 0, spread, centred.std(0))  # more than half are equal
    found: npt.NDArray[np.float64] = centred / np.where(spread > 0, spread, 1)
    return found


def given(target: Targets, names: Sequence[str]) -> str:
    """Returns the target of a sample as text: its numbers."""
    return ";".join(f"{number:.6g}" for number in target)
