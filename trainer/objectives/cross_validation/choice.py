"""The result of a cross-validation, from the predictions of its folds."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from trainer.data.held_out import HeldOut, path_of
from trainer.hparams import CLASSES, LABELS, NUMBERS
from trainer.metrics import Metric
from trainer.objectives.cross_validation.classes import OfClasses
from trainer.objectives.cross_validation.labels import of_labels
from trainer.objectives.cross_validation.numbers import of_numbers
from trainer.objectives.cross_validation.result import CrossValidation
from trainer.objectives.goals import metric_of

_MADE: Mapping[str, Callable[[Sequence[HeldOut], Metric], CrossValidation]] = {
    CLASSES: OfClasses,
    LABELS: of_labels,
    NUMBERS: of_numbers,
}


def cross_validation(predictions: Sequence[HeldOut], metric: str) -> CrossValidation:
    """Returns the result of folds.

    Args:
      predictions: of at least one fold, of the same classes, labels or numbers.
      metric: the value of `--metric`.

    Raises:
      UsageError: the metric is that of another target.
    """
    target = predictions[0].target
    return _MADE[target](predictions, metric_of(target, metric))


def read(root: Path, count: int, metric: str) -> CrossValidation | None:
    """Returns the result of the folds below the folder of a run; None if a fold has not ended.

    Raises:
      UsageError: a file of predictions is damaged.
    """
    try:
        held = [HeldOut.read(path_of(root, number)) for number in range(1, count + 1)]
    except FileNotFoundError:
        return None
    return cross_validation(held, metric)
