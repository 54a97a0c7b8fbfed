"""The files of an evaluation."""

import csv
import dataclasses
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from trainer import files
from trainer.errors import StorageError
from trainer.evaluate import predictions
from trainer.evaluate.classes import Evaluation
from trainer.objectives.scores import confusions

JSON = "evaluation.json"
OWN = (JSON, "confusion.csv", "confusion.png", "reliability.png", "mistakes.csv", predictions.FOLDER)
_LISTED = 10  # mistakes in the JSON object; all are in mistakes.csv
_MOST_DRAWN = 100  # classes of a confusion matrix

NameOf = Callable[[int], str]  # of a sample


def content(found: Evaluation, about: Mapping[str, Any], name_of: NameOf, column: str) -> dict[str, Any]:
    """Returns the result as JSON types.

    Args:
      found: the result.
      about: the model, the data, and which samples were left out.
      name_of: returns the path of a sample.
      column: of the groups; empty without.
    """
    scores = zip(found.scores, found.average_precisions, strict=True)
    groups = {"by": column, "groups": {group: one.to_json() for group, one in found.groups.items()}} if column else {}
    return {
        **about,
        **found.summary.to_json(),
        "mean_average_precision": found.mean_average_precision,
        "classes": [
            {
                "class": score.name,
                "precision": score.precision,
                "recall": score.recall,
                "f1": score.f1,
                "average_precision": precision,
                "samples": score.support,
            }
            for score, precision in scores
        ],
        "calibration": [dataclasses.asdict(one) for one in found.bins],
        "confusions": [
            {"true": found.names[true], "predicted": found.names[other], "samples": count}
            for true, other, count in confusions(found.confusion, _LISTED)
        ],
        "mistakes": [*mistakes(found, name_of, _LISTED)],
        **groups,
    }


def mistakes(found: Evaluation, name_of: NameOf, most: int | None = None) -> Iterable[dict[str, Any]]:
    """Yields the wrong answers, those with the highest probability first."""
    answers = found.answers
    for index in answers.mistakes()[:most]:
        yield {
            "sample": name_of(int(answers.indices[index])),
            "true": found.names[answers.targets[index]],
            "predicted": found.names[answers.predicted[index]],
            "probability": float(answers.confidence[index]),
            "probability_of_true": float(answers.of_target[index]),
        }


def write(folder: Path, found: Evaluation, said: Mapping[str, Any], name_of: NameOf, location: str) -> None:
    """Writes the files of a result; `evaluation.json` is the last.

    Args:
      folder: exists.
      found: the result.
      said: what `content` returned.
      name_of: returns the path of a sample.
      location: the folder, as the user wrote it.

    Raises:
      StorageError: they cannot be written.
    """
    from trainer.tensorboard import summaries
    from trainer.tensorboard.draw import reliability, results

    rows = [["true", *found.names], *([name, *row] for name, row in zip(found.names, found.confusion, strict=True))]
    wrong = [[*one.values()] for one in mistakes(found, name_of)]
    head = ["sample", "true", "predicted", "probability", "probability_of_true"]
    title = f"expected calibration error {found.summary.calibration_error:.3f}; light red: distance to the confidence"
    try:
        files.replace(folder / "confusion.csv", _csv(rows))
        files.replace(folder / "mistakes.csv", _csv([head, *wrong]))
        bins = [dataclasses.astuple(one) for one in found.bins]
        files.replace(folder / "reliability.png", summaries.png(reliability.diagram(bins, title)))
        if len(found.names) <= _MOST_DRAWN:
            drawn = results.confusion_matrix(found.confusion, found.names)
            files.replace(folder / "confusion.png", summaries.png(drawn))
        files.replace(folder / JSON, json.dumps(said, indent=2) + "\n")
    except OSError as error:
        raise StorageError(f"`--out` cannot be written: {location} ({error.strerror or error})") from None


def _csv(rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
