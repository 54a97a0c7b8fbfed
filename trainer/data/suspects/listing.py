"""The list of suspect samples, `suspects.csv`: what `--drop` leaves out of a run, a sample a line."""

import csv
import dataclasses
import io
from collections.abc import Sequence
from pathlib import Path

from trainer import files
from trainer.errors import UsageError

NAME = "suspects.csv"

_COLUMNS = (
    "name",
    "part",
    "label",
    "problem",
    "predicted",
    "probability",
    "label_probability",
    "like",
    "distance",
    "residual",
)


@dataclasses.dataclass(frozen=True)
class Suspect:
    """A sample whose class, labels or numbers are probably wrong, or that is almost the same as another.

    Attributes:
      name: its file, or its number in the training part.
      part: train, validation or test.
      label: its class, labels or numbers as they are given.
      predicted: the most probable class, the labels that are wrong, or the numbers; empty for a near-duplicate.
      probability: of what is predicted; None for numbers.
      label_probability: of what is given; None for numbers.
      residual: the number less its prediction, in standard deviations; None for classes and labels.
      wrong: what is probably wrong, in a word: label, labels or number.
      said: the same in texts, each with the name that follows it, which is the user's.
      like: the name of the sample that it is almost the same as; empty otherwise.
      like_part: the part of that sample.
      distance: of both; 0 for an exact copy.
    """

    name: str
    part: str
    label: str
    predicted: str = ""
    probability: float | None = None
    label_probability: float | None = None
    residual: float | None = None
    wrong: str = "label"
    said: Sequence[tuple[str, str]] = ()
    like: str = ""
    like_part: str = ""
    distance: float = 0.0

    @property
    def problem(self) -> str:
        """What is wrong, in a few words."""
        if not self.like:
            return self.wrong
        copy = "near-duplicate" if self.distance else "copy"
        return copy if self.part == self.like_part else f"{copy} across parts"

    def cells(self) -> list[str]:
        """Returns its line in the list."""
        start = [self.name, self.part, self.label, self.problem]
        if self.like:
            return [*start, "", "", "", self.like, f"{self.distance:.4f}", ""]
        shares, residual = map(_cell, (self.probability, self.label_probability)), _cell(self.residual)
        return [*start, self.predicted, *shares, "", "", residual]


def write(path: Path, suspects: Sequence[Suspect]) -> None:
    """Writes the list; one of an earlier time is replaced.

    Raises:
      UsageError: the file is something else.
      OSError: it cannot be written.
    """
    check(path)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows(one.cells() for one in suspects)
    files.replace(path, text.getvalue().encode("utf-8", "surrogateescape"))


def check(path: Path) -> None:
    """Checks that a file is new, or a list as `write` writes it.

    Raises:
      UsageError: it is something else.
    """
    try:
        with path.open("rb") as file:
            first = file.read(200)
    except FileNotFoundError:
        return
    except OSError as error:
        raise UsageError(f"{path} must be a file that can be written. Received: {error.strerror}") from None
    if not first.startswith(",".join(_COLUMNS[:4]).encode()):
        raise UsageError(f"{path} must be a new file or a list of suspects to replace. Received: another file")


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
