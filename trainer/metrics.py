"""The metrics of the validation part that can decide which epoch and which trial is the best.

`METRICS` is the one place of their names and goals. This module imports nothing large, for the flags and for the rules
of config.yaml; `trainer.objectives` computes the metrics.
"""

import dataclasses
import math
from collections.abc import Mapping

MAXIMIZE, MINIMIZE = "MAXIMIZE", "MINIMIZE"  # as in config.yaml

_VALIDATION = "val_"

Rank = tuple[float, float]  # of an epoch: the higher, the better

WORST: Rank = (-math.inf, -math.inf)


@dataclasses.dataclass(frozen=True)
class Metric:
    """A metric of the validation part.

    Attributes:
      name: the value of `--metric`.
      goal: `MAXIMIZE` if a higher value is better, else `MINIMIZE`.
      meaning: what it is, for the help.
      is_share: whether it is the share of samples that are right: shown in percent, with a binomial interval.
      low: the lowest value that it can have.
      high: the highest value that it can have.
      form: how a value is formatted.
    """

    name: str
    goal: str
    meaning: str
    is_share: bool = False
    low: float = 0.0
    high: float = 1.0
    form: str = ".4f"

    @property
    def tag(self) -> str:
        """The name under which an epoch's value is logged and reported, such as `val_accuracy`."""
        return f"{_VALIDATION}{self.name}"

    @property
    def better(self) -> str:
        """`higher` or `lower`."""
        return "higher" if self.goal == MAXIMIZE else "lower"

    def value(self, logs: Mapping[str, float]) -> float:
        """Returns the value of an epoch."""
        return float(logs[self.tag])

    def rank(self, logs: Mapping[str, float]) -> Rank:
        """Returns the rank of an epoch: by this metric; of equal values, by validation loss."""
        return self.rank_of(self.value(logs)), -float(logs["val_loss"])

    def rank_of(self, value: float) -> float:
        """Returns a number that is the higher, the better a value is."""
        return value if self.goal == MAXIMIZE else -value

    def value_of(self, rank: Rank) -> float:
        """Returns the value that an epoch of a rank has."""
        return self.rank_of(rank[0])

    def text(self, value: float) -> str:
        """Returns a value for a person: a share in percent, another metric with its name."""
        return f"{100 * value:.1f} %" if self.is_share else f"{self.tag} {value:.4f}"


ACCURACY = Metric("accuracy", MAXIMIZE, "share of samples that are classified correctly", is_share=True)

METRICS: Mapping[str, Metric] = {
    one.name: one
    for one in (
        ACCURACY,
        Metric("balanced_accuracy", MAXIMIZE, "mean of the recalls of the classes"),
        Metric("macro_f1", MAXIMIZE, "mean of the F1 scores of the classes"),
        Metric("auc", MAXIMIZE, "mean of the areas under the ROC curves of each class against the others"),
        Metric("average_precision", MAXIMIZE, "mean of the average precisions of the labels"),
        Metric("f1", MAXIMIZE, "mean of the F1 scores of the labels, each from a probability of 0.5"),
        Metric(
            "mean_absolute_error", MINIMIZE, "mean of the absolute errors of the numbers", high=math.inf, form=".4g"
        ),
        Metric("r2", MAXIMIZE, "mean of the coefficients of determination of the numbers", low=-math.inf),
        Metric("loss", MINIMIZE, "loss that is trained", high=math.inf),
    )
}


def of_tag(tag: str) -> Metric | None:
    """Returns the metric that is reported under a name, such as `val_macro_f1`; None if there is none."""
    return METRICS.get(tag.removeprefix(_VALIDATION)) if tag.startswith(_VALIDATION) else None
