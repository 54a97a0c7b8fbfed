"""By target, the metrics that can decide which epoch and which trial is the best.

The first of each decides unless `--metric` names another. This module imports nothing large.
"""

from collections.abc import Mapping, Sequence

from trainer.errors import UsageError
from trainer.hparams import AUTO, CLASSES, LABELS, NUMBERS
from trainer.metrics import METRICS, Metric

_NAMES = {
    CLASSES: ("accuracy", "balanced_accuracy", "macro_f1", "auc", "loss"),
    LABELS: ("average_precision", "f1", "loss"),
    NUMBERS: ("mean_absolute_error", "r2", "loss"),
}

BY_TARGET: Mapping[str, Sequence[Metric]] = {
    target: tuple(METRICS[name] for name in names) for target, names in _NAMES.items()
}


def metric_of(target: str, name: str) -> Metric:
    """Returns the metric that `--metric` names for a target.

    Args:
      target: classes, labels or numbers.
      name: the value of `--metric`.

    Raises:
      UsageError: it is the metric of another target.
    """
    metrics = BY_TARGET[target]
    found = metrics[0] if name == AUTO else METRICS[name]
    if found not in metrics:
        names = ", ".join(one.name for one in metrics)
        raise UsageError(f"`--metric` must be one of {names} for {target}. Received: {name}")
    return found
