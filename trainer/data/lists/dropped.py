"""Samples that a run leaves out by name: the list that `--drop` names."""

import csv
import dataclasses
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from trainer.data.lists.entries import TRAIN, Entry
from trainer.data.lists.targets import Target
from trainer.errors import UsageError, one_line
from trainer.files import expanded
from trainer.hparams import CLASSES, LABELS, NUMBERS

NAME = "name"  # the column of the samples' names

_LEAST = {CLASSES: "{one} of each class", LABELS: "{one} of each label", NUMBERS: "two values of each number"}

Indices = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class Dropped:
    """A list of samples to leave out.

    Attributes:
      path: its file, as the user wrote it.
      lines: the line of each sample's name, from 1; a name that is given twice counts once.
    """

    path: str
    lines: Mapping[str, int]

    @classmethod
    def read(cls, path: str) -> "Dropped":
        """Returns a list from a file: CSV with a column `name`, or without a header, names in the first column.

        Raises:
          UsageError: it cannot be read, or a line has no name.
        """
        try:
            text = Path(expanded(path)).read_bytes().decode("utf-8-sig", "surrogateescape")
            rows = csv.reader(io.StringIO(text, newline=""), strict=True)
            return cls(path, _lines(rows, path))
        except OSError as error:
            raise UsageError(f"`--drop` must be a file that can be read. Received: {path} ({error.strerror})") from None
        except csv.Error as error:
            raise UsageError(f"`--drop` must be a CSV file. Received: {path} ({error})") from None

    def among(self, names: Sequence[str]) -> Indices:
        """Returns the indices of the listed samples, in order.

        Args:
          names: of all samples of the data set: their files, or their numbers as `Numbered` has them.

        Raises:
          UsageError: a listed sample is not among them; the message has its line.
        """
        wanted = dict.fromkeys(self.lines, -1)
        for index, name in enumerate(names):
            if name in wanted:
                wanted[name] = index
        missing = [name for name, index in wanted.items() if index < 0]
        if missing:  # written from another folder, or otherwise
            whole = {os.path.abspath(name): index for index, name in enumerate(names)}  # noqa: PTH100  of texts
            above = os.path.dirname(os.path.abspath(expanded(self.path)))  # noqa: PTH100, PTH120
            for name in missing:
                found = whole.get(os.path.abspath(name), whole.get(os.path.normpath(f"{above}/{name}")))  # noqa: PTH100
                if found is None:
                    raise UsageError(
                        f"{self.path}, line {self.lines[name]}: must be the name of a sample of `--data`. "
                        f"Received: {one_line(name)}"
                    )
                wanted[name] = found
        return np.unique(np.fromiter(wanted.values(), np.int64, len(wanted)))

    def left(self, parted: Sequence[Entry], entries: Sequence[Entry], one: str, target: Target) -> list[Entry]:
        """Returns the samples that are not listed.

        Args:
          parted: the samples of a run, each with its part.
          entries: all samples of the data set.
          one: one sample, with its article.
          target: how their labels are read; of labels and numbers, its own check says what must be left to train on.

        Raises:
          UsageError: a listed sample is not among all, or too few are left.
        """
        names = [entry.location for entry in entries]
        out = {names[index] for index in self.among(names)}
        kept = [entry for entry in parted if entry.location not in out]
        for part in sorted({entry.part for entry in parted}):
            before, after = ({entry.label for entry in some if entry.part == part} for some in (parted, kept))
            if part == TRAIN and target.name == CLASSES:
                self.check_training(len(before), len(after), one)
            else:
                self.check_other(part, len(after), one)
        return kept

    def check_training(self, wanted: int, found: int, one: str, target: str = CLASSES) -> None:
        """Checks what is left to train on: a sample of each class or label, or two values of each number.

        Args:
          wanted: the number of classes, labels or numbers that were there.
          found: the number of those that are left.
          one: one sample, with its article.
          target: classes, labels or numbers.

        Raises:
          UsageError: it is too little.
        """
        if found < wanted:
            raise UsageError(
                f"`--drop` must leave {_LEAST[target].format(one=one)} to train on. "
                f"Received: {self.path}, which leaves {found} of {wanted} {target}"
            )

    def check_other(self, part: str, found: int, one: str) -> None:
        """Checks that a sample is left of a part.

        Args:
          part: its name.
          found: how many are left.
          one: one sample, with its article.

        Raises:
          UsageError: there is none.
        """
        if not found:
            raise UsageError(f"`--drop` must leave {one} for {part}. Received: {self.path}, which leaves none")


class Numbered(Sequence[str]):
    """The names of samples in arrays: their numbers from 0, after a word if they are not in the training part.

    Args:
      start: the word.
      rows: the numbers, `(samples,)`.
    """

    def __init__(self, start: str, rows: Indices):
        self._start, self.rows = start, rows

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> "Numbered": ...
    def __getitem__(self, index: int | slice) -> "str | Numbered":
        if isinstance(index, slice):
            return Numbered(self._start, self.rows[index])
        return f"{self._start}{self.rows[index]}"

    def chosen(self, indices: Indices) -> "Numbered":
        """Returns some of the names, in the order of the indices."""
        return Numbered(self._start, self.rows[indices])


def numbered(part: str, count: int) -> Numbered:
    """Returns the names of the samples of a part that is given as an array."""
    return Numbered("" if part == TRAIN else f"{part}/", np.arange(count))


def chosen(names: Sequence[str], indices: Indices) -> Sequence[str]:
    """Returns some of the names, in the order of the indices."""
    return names.chosen(indices) if isinstance(names, Numbered) else [names[index] for index in indices]


def _lines(rows: Any, path: str) -> dict[str, int]:
    """Returns the line of each name."""
    lines: dict[str, int] = {}
    column, is_first = 0, True
    for row in rows:
        if is_first and any(cell.strip() for cell in row):
            is_first = False
            if NAME in (header := [cell.strip().lower() for cell in row]):
                column = header.index(NAME)
                continue
        if not any(cell.strip() for cell in row):
            continue
        name = row[column].strip() if column < len(row) else ""
        if not name:
            raise UsageError(f"{path}, line {rows.line_num}: must have the name of a sample. Received: nothing")
        lines.setdefault(name, rows.line_num)
    return lines
