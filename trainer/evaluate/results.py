"""The files of an evaluation."""

import csv
import dataclasses
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from trainer import files
from trainer.errors import StorageError
from trainer.evaluate import predictions
from trainer.evaluate.destination import Destination
from trainer.objectives.evaluation.result import Evaluation, NameOf

JSON, PAGE, MISTAKES = "evaluation.json", "evaluation.html", "mistakes.csv"
# Of any target: a folder with other files is refused.
OWN = (
    JSON,
    PAGE,
    MISTAKES,
    "confusion.csv",
    "confusion.png",
    "labels.csv",
    "labels.png",
    "reliability.png",
    "scatter.png",
    predictions.FOLDER,
)
_LISTED = 10  # mistakes in the JSON object; all are in mistakes.csv


@dataclasses.dataclass(frozen=True)
class Result:
    """A result, with what only this evaluation knows.

    Attributes:
      found: the result.
      about: the model, the data, and which samples were left out, JSON types.
      name_of: returns the path of a sample.
      column: of the groups; empty without.
    """

    found: Evaluation
    about: Mapping[str, Any]
    name_of: NameOf
    column: str

    def content(self) -> dict[str, Any]:
        """Returns the result as JSON types."""
        by_name = {group: one.content for group, one in self.found.groups.items()}
        return {
            **self.about,
            **self.found.summary.content,
            **self.found.content,
            "mistakes": [*self.found.mistakes.rows(self.name_of, _LISTED)],
            **({"by": self.column, "groups": by_name} if self.column else {}),
        }

    def write(self, destination: Destination, pictures: Mapping[str, bytes], page: str) -> list[str]:
        """Writes the files of the result, and returns their names; `evaluation.json` is written last, and named first.

        Args:
          destination: exists.
          pictures: the figures, PNG files by name.
          page: as HTML.

        Raises:
          StorageError: they cannot be written.
        """
        contents: dict[str, bytes | str] = {
            **{f"{name}.csv": _csv(rows) for name, rows in self.found.lists.items()},
            **{f"{name}.png": picture for name, picture in pictures.items()},
            MISTAKES: _csv(self._mistakes()),
            PAGE: page,
            JSON: json.dumps(self.content(), indent=2) + "\n",
        }
        for name, one in contents.items():
            path = destination.folder / name
            try:
                files.replace(path, one)
            except OSError as error:
                raise StorageError(
                    f"`--out` cannot be written: {destination.location} ({error.strerror or error})"
                ) from None
            destination.send(path)
        return [JSON, PAGE, *(name for name in contents if name not in (JSON, PAGE))]

    def _mistakes(self) -> Iterator[Sequence[Any]]:
        yield ["sample", *(field.name for field in self.found.mistakes.fields)]
        for one in self.found.mistakes.rows(self.name_of):
            yield [*one.values()]


def _csv(rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
