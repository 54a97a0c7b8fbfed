"""Which objective a data set has, and what the outputs of a stored model mean; nothing else asks for the target."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from trainer.data import Dataset
from trainer.errors import UsageError
from trainer.hparams import CLASSES, LABELS, NUMBERS, HParams
from trainer.objectives import classes, labels, numbers
from trainer.objectives.classes import Classes
from trainer.objectives.evaluation.classes import OfClasses
from trainer.objectives.evaluation.labels import OfLabels
from trainer.objectives.evaluation.numbers import OfNumbers
from trainer.objectives.evaluation.result import Evaluator
from trainer.objectives.labels import Labels
from trainer.objectives.numbers import Numbers
from trainer.objectives.objective import Objective
from trainer.objectives.outputs import Outputs


def objective_of(dataset: Dataset, hparams: HParams) -> Objective:
    """Returns the objective that suits a data set.

    Raises:
      UsageError: a flag has no meaning for the targets of the data set.
    """
    for name, off, why in _REFUSED[dataset.target]:
        value = getattr(hparams, name)
        if value != off:
            raise UsageError(f"`--{name}` must be {off} for {dataset.target}: {why}. Received: {value}")
    return _MADE[dataset.target](dataset, hparams)


def outputs_of(content: Mapping[str, Any]) -> Outputs:
    """Returns what the outputs of a model mean, from its `model.json`; earlier versions had classes alone.

    Raises:
      KeyError, TypeError, ValueError: it is not such a file.
    """
    names: Sequence[str] = content["classes"]
    about = content.get("target", {"name": CLASSES})
    return _READ[about["name"]](about, names)


def evaluator_of(outputs: Outputs) -> Evaluator:
    """Returns what evaluates the outputs of a model."""
    return _EVALUATORS[outputs.target](outputs)


def _classes(dataset: Dataset, hparams: HParams) -> Objective:
    is_weighted = hparams.class_weights != "none"
    weights = classes.class_weights(dataset.train.targets, dataset.classes) if is_weighted else None
    return classes.objective(dataset.class_names, weights, hparams.label_smoothing)


def _labels(dataset: Dataset, hparams: HParams) -> Objective:
    is_weighted = hparams.class_weights != "none"
    weights = labels.label_weights(dataset.train.targets) if is_weighted else None
    return labels.objective(dataset.class_names, weights)


_MADE: dict[str, Callable[[Dataset, HParams], Objective]] = {
    CLASSES: _classes,
    LABELS: _labels,
    NUMBERS: lambda dataset, hparams: numbers.objective(dataset.class_names, dataset.train.targets),
}
_READ: dict[str, Callable[[Mapping[str, Any], Sequence[str]], Outputs]] = {
    CLASSES: lambda about, names: Classes(names),
    LABELS: Labels.read,
    NUMBERS: lambda about, names: Numbers(names),
}
_EVALUATORS: dict[str, Callable[[Outputs], Evaluator]] = {
    CLASSES: lambda outputs: OfClasses(outputs.names),
    LABELS: lambda outputs: OfLabels(outputs.names, outputs.content()["thresholds"]),
    NUMBERS: lambda outputs: OfNumbers(outputs.names),
}
_REFUSED: dict[str, tuple[tuple[str, str | int, str], ...]] = {
    CLASSES: (),
    LABELS: (("label_smoothing", 0, "it spreads a share over exclusive classes"),),
    NUMBERS: (
        ("label_smoothing", 0, "there are no classes"),
        ("class_weights", "none", "there are no classes"),
        ("mixup", 0, "a blend of two samples has no blended number"),
    ),
}
