"""The evaluation of a classifier: accuracy, the scores of each class, calibration, confusion."""

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from trainer import interval
from trainer.data.lists.natural import natural
from trainer.errors import UsageError
from trainer.objectives import calibration
from trainer.objectives.calibration import Bin
from trainer.objectives.evaluation import known
from trainer.objectives.evaluation.class_answers import Scores, answers_of, average_precisions, confusion_of
from trainer.objectives.evaluation.result import (
    Array,
    Evaluation,
    Figure,
    Matched,
    Matrix,
    Read,
    Reliability,
    Table,
    grouped,
)
from trainer.objectives.scores import Counts, Score, confusions, per_class

_LISTED = 10  # kinds of mistakes
_MOST_DRAWN = 100  # classes of a confusion matrix
_NONE = "–"


@dataclasses.dataclass(frozen=True)
class OfClasses:
    """Evaluates a classifier.

    Attributes:
      names: of the classes, in the order of the probabilities.
    """

    names: Sequence[str]

    def match(self, texts: Sequence[str], samples: str, data: str) -> Matched:
        counts, numbers = Counter(texts), {name: number for number, name in enumerate(self.names)}
        unknown = {name: counts[name] for name in sorted(counts, key=natural) if name not in numbers}
        if len(unknown) == len(counts):
            raise UsageError(
                f"`DATA` must have classes of the model: {known.listed(self.names)}. "
                f"Received: {data}, with {known.listed([*unknown])}"
            )
        targets = np.array([numbers.get(text, -1) for text in texts], np.int32)
        kept = np.flatnonzero(targets >= 0)
        said = known.missing(self.names, counts, "classes", samples)
        if unknown:
            total = sum(unknown.values())
            what = samples.removesuffix("s") if total == 1 else samples
            said.append(f"{total:,} {what} of {known.listed([*unknown])} left out: the model does not know this class")
        return Matched(kept, targets[kept], {"unknown_classes": unknown}, "; ".join(said))

    def evaluate(self, targets: Array, groups: Sequence[str], read: Read, samples: str) -> Evaluation:
        found, names = answers_of(targets, read), self.names
        confusion = confusion_of(found, len(names))
        precisions = [*average_precisions(found, len(targets), len(names), read)]
        mean = float(np.mean([one for one in precisions if one is not None]))
        scores, whole = per_class(confusion, names), Scores.of(found, confusion)
        bins = calibration.bins(found.confidence, found.is_right)
        low, high = interval.wilson(whole.accuracy, whole.samples)
        wrong = [(names[true], names[other], count) for true, other, count in confusions(confusion, _LISTED)]
        own = {group: found.chosen(which) for group, which in grouped(groups, found.indices)}
        return Evaluation(
            line=(
                f"accuracy {interval.percent(whole.accuracy, whole.samples, samples)}, macro F1 {whole.f1:.3f}, "
                f"mean average precision {mean:.3f}, calibration error {whole.calibration_error:.3f}"
            ),
            headline=(
                f"{whole.accuracy:.2%}",
                f"accuracy on {whole.samples:,} {samples}; 95 % interval (Wilson): {100 * low:.2f} to {high:.2%}",
            ),
            summary=whole.summary(),
            content={
                "mean_average_precision": mean,
                "classes": [_content(score, precision) for score, precision in zip(scores, precisions, strict=True)],
                "calibration": [dataclasses.asdict(one) for one in bins],
                "confusions": [
                    {"true": true, "predicted": predicted, "samples": count} for true, predicted, count in wrong
                ],
            },
            scores=_table(scores, precisions, samples),
            columns=["accuracy", "95% interval", "F1", "calibration error", samples],
            rule="those with the lowest accuracy",
            groups={group: Scores.of(some, confusion_of(some, len(names))).summary() for group, some in own.items()},
            mistakes=found.mistakes(names),
            lists={
                "confusion": [
                    ["true", *names],
                    *([name, *row] for name, row in zip(names, confusion.tolist(), strict=True)),
                ]
            },
            figures=dict(_figures(confusion, names, bins, whole.calibration_error)),
            frequent=Table(
                "most frequent mistakes",
                ["true", "predicted", samples],
                [[true, predicted, f"{count:,}"] for true, predicted, count in wrong],
            ),
        )


def _table(scores: Sequence[Score], precisions: Sequence[float | None], samples: str) -> Table:
    rows = [
        [score.name, *map(_share, (score.precision, score.recall, score.f1, precision)), f"{score.support:,}"]
        for score, precision in zip(scores, precisions, strict=True)
    ]
    ranks = [2.0 if score.f1 is None else score.f1 for score in scores]
    columns = ["class", "precision", "recall", "F1", "avg. prec.", samples]
    return Table("classes", columns, rows, ranks, "those with the lowest F1")


def _content(score: Score, precision: float | None) -> dict[str, Any]:
    return {
        "class": score.name,
        "precision": score.precision,
        "recall": score.recall,
        "f1": score.f1,
        "average_precision": precision,
        "samples": score.support,
    }


def _figures(
    confusion: Counts, names: Sequence[str], bins: Sequence[Bin], error: float
) -> Iterator[tuple[str, tuple[str, Figure]]]:
    if len(names) <= _MOST_DRAWN:
        yield "confusion", ("Rows are true classes, columns predicted ones.", Matrix(confusion, names))
    title = f"expected calibration error {error:.3f}; light red: distance to the confidence"
    caption = "The accuracy of the samples in each interval of confidence. On the diagonal both are equal."
    yield "reliability", (caption, Reliability([(title, bins)], "confidence", "accuracy"))


def _share(value: float | None) -> str:
    return _NONE if value is None else f"{value:.3f}"
