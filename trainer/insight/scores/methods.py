"""The scores of several attribution methods on the same samples, and which method scores best."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from trainer.insight.attribution import Explainer
from trainer.insight.scores.curves import area, blurred, deletion, insertion
from trainer.insight.scores.infidelity import falls_of, infidelity, random_boxes, sums_of
from trainer.insight.scores.road import FRACTIONS, road


@dataclasses.dataclass(frozen=True)
class Detail:
    """How finely scores are measured.

    Attributes:
      steps: of the two curves.
      fractions: of ROAD.
      boxes: of infidelity.
    """

    steps: int
    fractions: Sequence[float]
    boxes: int

    def passes(self, methods: int) -> int:
        """Returns how often each sample runs through the network for so many methods."""
        return methods * (2 * (self.steps + 1) + 2 * len(self.fractions)) + self.boxes + 1


FINE, COARSE = Detail(8, FRACTIONS, 16), Detail(4, (0.2, 0.5), 8)


@dataclasses.dataclass(frozen=True)
class Score:
    """The scores of one method, means over the samples. Outputs are probabilities of the explained class.

    Attributes:
      deletion: the deletion curve, `(steps + 1,)`.
      insertion: the insertion curve, `(steps + 1,)`.
      most_first: ROAD's output after each fraction of the most important positions is removed, `(fractions,)`.
      least_first: the same for the least important positions.
      infidelity: of the logit, scaled, from 0, which is best, to 1.
    """

    deletion: np.ndarray
    insertion: np.ndarray
    most_first: np.ndarray
    least_first: np.ndarray
    infidelity: float

    @property
    def numbers(self) -> dict[str, float]:
        """The scores by name: areas under the curves, the mean of ROAD's differences, infidelity, faithfulness."""
        return {
            "deletion": float(area(self.deletion)),
            "insertion": float(area(self.insertion)),
            "road": float((self.least_first - self.most_first).mean()),
            "infidelity": self.infidelity,
            "faithfulness": self.faithfulness,
        }

    @property
    def faithfulness(self) -> float:
        """What methods are compared by, from -1 to 1: the mean of insertion minus deletion, and of ROAD."""
        between = float(area(self.insertion) - area(self.deletion))
        return (between + float((self.least_first - self.most_first).mean())) / 2


def measure(
    explainer: Explainer,
    samples: np.ndarray,
    classes: Iterable[int],
    maps: Mapping[str, np.ndarray],
    *,
    blank: float | np.ndarray = 0.0,
    detail: Detail = FINE,
    noise: float | np.ndarray = 0.0,
    tolerance: float = 0.01,
) -> dict[str, Score]:
    """Returns the scores of each method.

    Args:
      explainer: of the network.
      samples: raw values `(batch, *spatial, channels)`, at least one.
      classes: one per sample.
      maps: by method, `(batch, *spatial)`.
      blank: the value of every element of a sample without information: one number, or one per channel.
      detail: how finely.
      noise: of ROAD.
      tolerance: of ROAD.

    Raises:
      ValueError: samples, classes or maps do not fit.
    """
    values, labels = np.asarray(samples, np.float32), np.asarray(classes)
    boxes = random_boxes(values.shape[1:-1], detail.boxes)
    falls, start = falls_of(explainer.logits, values, labels, boxes, blank), blurred(values)
    output, fractions = explainer.probabilities, detail.fractions

    def removed(found: np.ndarray, least: bool) -> np.ndarray:
        given = road(output, values, labels, found, fractions, least_first=least, noise=noise, tolerance=tolerance)
        return np.asarray(given.mean(0))

    def score(found: np.ndarray) -> Score:
        return Score(
            deletion(output, values, labels, found, fill=blank, steps=detail.steps).mean(0),
            insertion(output, values, labels, found, start=start, steps=detail.steps).mean(0),
            removed(found, least=False),
            removed(found, least=True),
            float(infidelity(falls, sums_of(found, boxes), is_scaled=True).mean()),
        )

    return {name: score(np.nan_to_num(found)) for name, found in maps.items()}


def ranked(scores: Mapping[str, Score]) -> list[str]:
    """Returns the methods, the most faithful first; equal ones keep their order."""
    return sorted(scores, key=lambda name: -round(scores[name].faithfulness, 6))
