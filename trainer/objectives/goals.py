"""By target, the metrics of the validation part, and whether a higher or a lower value is better.

The first of each ranks epochs and trials unless another is asked for. This module imports nothing large.
"""

from collections.abc import Mapping

from trainer.hparams import CLASSES, LABELS, NUMBERS

MAXIMIZE, MINIMIZE = "MAXIMIZE", "MINIMIZE"

GOALS: Mapping[str, Mapping[str, str]] = {
    CLASSES: {"val_accuracy": MAXIMIZE, "val_loss": MINIMIZE},
    LABELS: {"val_average_precision": MAXIMIZE, "val_f1": MAXIMIZE, "val_loss": MINIMIZE},
    NUMBERS: {"val_mean_absolute_error": MINIMIZE, "val_r2": MAXIMIZE, "val_loss": MINIMIZE},
}

# What ranks epochs and trials, and its goal.
RANKING: Mapping[str, str] = {next(iter(goals)): next(iter(goals.values())) for goals in GOALS.values()}


def ranking_of(logs: Mapping[str, float]) -> tuple[str, str]:
    """Returns the metric that ranks the epochs of a run, from the metrics of one of them, and its goal."""
    name = next(name for name in RANKING if name in logs)
    return name, RANKING[name]
