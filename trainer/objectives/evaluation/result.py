"""The result of an evaluation, in one form for all targets, and the interface of what computes it."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from trainer.objectives.calibration import Bin

Array = npt.NDArray[Any]
Indices = npt.NDArray[np.int64]
# The outputs of a model, float32 `(samples, outputs)`, in parts, each with the index of its first sample. The row of a
# sample that cannot be read has NaN.
Read = Callable[[], Iterable[tuple[int, npt.NDArray[np.float32]]]]
NameOf = Callable[[int], str]  # of a sample, by its index


@dataclasses.dataclass(frozen=True)
class Matched:
    """Samples whose targets the model knows.

    Attributes:
      kept: their indices among all samples, `(samples,)`.
      targets: int32 class numbers, `(samples,)`; of labels and numbers float32 `(samples, outputs)`.
      content: what is left out, JSON types.
      line: what a person should know about the targets; empty if nothing.
    """

    kept: Indices
    targets: Array
    content: Mapping[str, Any]
    line: str


@dataclasses.dataclass(frozen=True)
class Summary:
    """The scores of some samples.

    Attributes:
      content: JSON types.
      cells: its row in the table of groups, without the name.
      rank: groups of which not all are shown are those with the lowest ones.
    """

    content: Mapping[str, Any]
    cells: Sequence[str]
    rank: float


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of texts.

    Attributes:
      title: above it.
      columns: the headings; the first is that of the names.
      rows: a name, then numbers as text.
      ranks: where not all rows are shown, those with the lowest ones are.
      rule: what these have, in words.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    ranks: Sequence[float] = ()
    rule: str = ""

    def shown(self, most: int) -> tuple[str, Sequence[Sequence[str]]]:
        """Returns the title and at most so many rows; of more, those with the lowest ranks."""
        if len(self.rows) <= most:
            return self.title, self.rows
        order = sorted(range(len(self.rows)), key=self.ranks.__getitem__)[:most]
        return f"{self.title}: {most} of {len(self.rows):,}, {self.rule}", [self.rows[index] for index in order]


@dataclasses.dataclass(frozen=True)
class Field:
    """What a list of mistakes says of each.

    Attributes:
      name: of the column.
      values: texts, or numbers.
      form: how a number is written for a person, as `.4f`; empty for texts.
      is_shown: whether tables for persons have it.
    """

    name: str
    values: Sequence[str] | Sequence[float]
    form: str = ""
    is_shown: bool = True


@dataclasses.dataclass(frozen=True)
class Mistakes:
    """The mistakes, the worst first.

    Attributes:
      title: of the list.
      indices: of the samples.
      fields: of equal lengths.
    """

    title: str
    indices: Indices
    fields: Sequence[Field]

    def rows(self, name_of: NameOf, most: int | None = None) -> Iterator[dict[str, Any]]:
        """Yields the sample's name and the fields of each mistake, JSON types."""
        for place, index in enumerate(self.indices[:most].tolist()):
            yield {"sample": name_of(index), **{field.name: field.values[place] for field in self.fields}}


@dataclasses.dataclass(frozen=True)
class Matrix:
    """A confusion matrix: true classes in rows, `(classes, classes)`."""

    counts: Array
    names: Sequence[str]


@dataclasses.dataclass(frozen=True)
class Reliability:
    """Reliability diagrams: a title and bins of each, and the names of the axes."""

    panels: Sequence[tuple[str, Sequence[Bin]]]
    across: str
    up: str


@dataclasses.dataclass(frozen=True)
class Bars:
    """How many samples have each label and are given it, have it only, are given it only: `(labels, 3)`."""

    counts: Array
    names: Sequence[str]
    samples: int
    limits: str


@dataclasses.dataclass(frozen=True)
class Scatter:
    """True and predicted numbers, `(samples, numbers)`."""

    true: Array
    predicted: Array
    names: Sequence[str]


Figure = Matrix | Reliability | Bars | Scatter


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """A whole result.

    Attributes:
      line: all in one line.
      headline: the main score, and what it is with its interval.
      summary: of all samples.
      content: of all samples, JSON types besides those of the summary.
      scores: of each class, label or number.
      columns: the headings of `Summary.cells`.
      rule: as of `Table`, for groups.
      groups: the scores of each group.
      mistakes: of all samples.
      lists: rows of further CSV files, by name.
      figures: by name, each with its caption.
      frequent: the most frequent mistakes; None where they are all different.
    """

    line: str
    headline: tuple[str, str]
    summary: Summary
    content: Mapping[str, Any]
    scores: Table
    columns: Sequence[str]
    rule: str
    groups: Mapping[str, Summary]
    mistakes: Mistakes
    lists: Mapping[str, Sequence[Sequence[Any]]]
    figures: Mapping[str, tuple[str, Figure]]
    frequent: Table | None = None

    def of_groups(self, column: str) -> Table:
        """Returns the table of the groups that the values of a column form."""
        own = [*self.groups.items()]
        rows = [[group or "(none)", *one.cells] for group, one in own]
        return Table(f"by {column}", [column, *self.columns], rows, [one.rank for _, one in own], self.rule)


class Evaluator(Protocol):
    """Evaluates the outputs of a model of one target."""

    def match(self, texts: Sequence[str], samples: str, data: str) -> Matched:
        """Returns the samples whose targets the model knows, and their targets, by the names of the model's outputs.

        Args:
          texts: the target of each sample, as `trainer.data.lists.targets` writes it.
          samples: what a sample is, in the plural.
          data: where the samples are, for messages.

        Raises:
          UsageError: the model knows none of them.
        """

    def evaluate(self, targets: Array, groups: Sequence[str], read: Read, samples: str) -> Evaluation:
        """Returns the result.

        Args:
          targets: as `match` returned them.
          groups: the group of each sample; empty if there are none.
          read: returns the outputs; at least one sample can be read.
          samples: what a sample is, in the plural.
        """


def readable(read: Read) -> tuple[Indices, npt.NDArray[np.float32]]:
    """Returns the indices of the samples that can be read, and their outputs, `(samples, outputs)`."""
    parts = [(first + sound, outputs[sound]) for first, outputs in read() for sound in [_sound(outputs)]]
    indices, outputs = zip(*parts, strict=True)
    return np.concatenate(indices), np.concatenate(outputs)


def grouped(groups: Sequence[str], indices: Indices) -> Iterator[tuple[str, Indices]]:
    """Yields each group, and the positions of its samples among the indices.

    Args:
      groups: of all samples; empty if there are none.
      indices: of the samples that can be read.
    """
    if not groups:
        return
    names, numbers = np.unique(np.array(groups, np.str_)[indices], return_inverse=True)
    order = np.argsort(numbers, kind="stable")
    yield from zip(names.tolist(), np.split(order, np.cumsum(np.bincount(numbers))[:-1]), strict=True)


def noun(count: int, samples: str) -> str:
    """Returns a number of samples in words."""
    return f"{count:,} {samples.removesuffix('s') if count == 1 else samples}"


def _sound(outputs: npt.NDArray[np.float32]) -> Indices:
    return np.flatnonzero(~np.isnan(outputs).any(1))
