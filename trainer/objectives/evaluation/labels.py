"""The evaluation of several labels: average precision, the decisions at each label's threshold, calibration."""

import dataclasses
import json
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from trainer.data.lists.natural import natural
from trainer.errors import UsageError
from trainer.objectives.evaluation import known
from trainer.objectives.evaluation.label_answers import Answers, Label, between, shown
from trainer.objectives.evaluation.result import (
    Array,
    Bars,
    Evaluation,
    Figure,
    Matched,
    Read,
    Reliability,
    Table,
    grouped,
    noun,
    readable,
)

_MOST_PANELS = 12  # reliability diagrams of a picture
_MOST_BARS = 60
_NONE = "–"


@dataclasses.dataclass(frozen=True)
class OfLabels:
    """Evaluates a model of several labels.

    Attributes:
      names: of the labels, in the order of the probabilities.
      thresholds: the probability from which a sample is given the label, one for each.
    """

    names: Sequence[str]
    thresholds: Sequence[float]

    def match(self, texts: Sequence[str], samples: str, data: str) -> Matched:
        own = [json.loads(text) for text in texts]
        counts = Counter(label for some in own for label in some)
        numbers = {name: number for number, name in enumerate(self.names)}
        unknown = {name: counts[name] for name in sorted(counts, key=natural) if name not in numbers}
        if len(unknown) == len(counts):
            received = known.listed([*unknown]) or "no label"
            raise UsageError(
                f"`DATA` must have labels of the model: {known.listed(self.names)}. Received: {data}, with {received}"
            )
        targets = np.zeros((len(own), len(numbers)), np.float32)
        for row, some in enumerate(own):
            targets[row, [numbers[label] for label in some if label in numbers]] = 1
        said = known.missing(self.names, counts, "labels", samples)
        if unknown:
            said.append(f"labels that the model does not know are ignored: {known.listed([*unknown])}")
        return Matched(np.arange(len(own)), targets, {"unknown_labels": unknown}, "; ".join(said))

    def evaluate(self, targets: Array, groups: Sequence[str], read: Read, samples: str) -> Evaluation:
        indices, probabilities = readable(read)
        found = Answers(targets[indices] > 0.5, probabilities, np.array(self.thresholds, np.float32))
        scores, whole = found.scores(self.names), found.summary()
        precision, f1 = whole.content["mean_average_precision"], whole.content["macro_f1"]
        of_precision, of_f1 = (whole.content[f"{name}_interval"] for name in ("mean_average_precision", "macro_f1"))
        count, instead = noun(len(indices), samples), found.instead(self.names)
        return Evaluation(
            line=(
                f"mean average precision {_with(precision, of_precision, count)}, macro F1 {_with(f1, of_f1)}, "
                f"all labels right {whole.content['exact']:.2%}, "
                f"calibration error {whole.content['calibration_error']:.3f}"
            ),
            headline=(
                f"{precision:.3f}" if precision is not None else _NONE,
                f"mean average precision on {count}; {_interval_words(of_precision)}. "
                f"Macro F1: {_with(f1, of_f1)}. All labels are right for {whole.content['exact']:.2%}.",
            ),
            summary=whole,
            content={"labels": [one.content() for one in scores], "instead": instead},
            scores=_table(scores, samples),
            columns=["mean avg. prec.", "95% interval", "macro F1", "all right", samples],
            rule="those with the lowest mean average precision",
            groups={group: found.chosen(which).summary() for group, which in grouped(groups, indices)},
            mistakes=found.mistakes(self.names, indices),
            lists={
                "labels": [
                    ["label", "given_right", "missed", "given_wrong", "rightly_not_given"],
                    *([name, *row] for name, row in zip(self.names, found.counts().tolist(), strict=True)),
                ]
            },
            figures=dict(_figures(found, scores, self.names)),
            frequent=Table(
                "most frequent mistakes",
                ["missed", "given instead", samples],
                [[one["missed"], one["given"], f"{one['samples']:,}"] for one in instead],
            ),
        )


def _table(scores: Sequence[Label], samples: str) -> Table:
    rows = [
        [
            one.name,
            *map(shown, (one.precision, one.recall, one.f1, one.average_precision)),
            between(one.average_precision_interval),
            f"{one.threshold:.3f}",
            f"{one.calibration_error:.3f}",
            f"{one.samples:,}",
        ]
        for one in scores
    ]
    columns = ["label", "prec.", "recall", "F1", "AP", "95% interval", "thresh.", "ECE", samples]
    ranks = [2.0 if one.f1 is None else one.f1 for one in scores]
    return Table(
        "labels; AP: average precision, ECE: calibration error", columns, rows, ranks, "those with the lowest F1"
    )


def _figures(found: Answers, scores: Sequence[Label], names: Sequence[str]) -> Iterator[tuple[str, tuple[str, Figure]]]:
    bars = Bars(found.counts()[:_MOST_BARS, :3], names[:_MOST_BARS], len(found.true), "the label's threshold")
    yield "labels", ("How many samples have each label, and how many are given it.", bars)
    shown = sorted(scores, key=lambda one: -one.samples)[:_MOST_PANELS]
    panels = [(f"{one.name}: calibration error {one.calibration_error:.3f}", one.bins) for one in shown]
    caption = (
        "The share of the samples that have the label, in each interval of its probability. On the diagonal both are "
        "equal; light red: the distance."
    )
    yield "reliability", (caption, Reliability(panels, "probability", "share with it"))


def _with(value: float | None, ends: Sequence[float] | None, count: str = "") -> str:
    said = [*([between(ends)] if ends else []), *([count] if count else [])]
    return shown(value) + (f" ({', '.join(said)})" if said else "")


def _interval_words(ends: Sequence[float] | None) -> str:
    if ends is None:
        return "no interval"
    return f"95 % interval (bootstrap): {between(ends)}"
