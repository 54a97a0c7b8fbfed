"""An evaluation for a terminal: tables."""

from collections.abc import Iterator
from typing import Any

from rich.table import Table
from rich.text import Text

from trainer.errors import one_line
from trainer.objectives.evaluation import result
from trainer.objectives.evaluation.result import Evaluation, NameOf

_MOST_ROWS = 30
_MISTAKES = 5
_WIDTH, _GAP = 80, 2  # of a table, so that numbers are whole
_LEAST, _MOST, _MISTAKEN = 8, 30, 16  # characters of a name


def tables(found: Evaluation, name_of: NameOf, samples: str, column: str) -> Iterator[Table]:
    """Yields the scores of the classes, labels or numbers, those of the groups, and the worst mistakes.

    Args:
      found: the result.
      name_of: returns the path of a sample.
      samples: what a sample is, in the plural.
      column: of the groups; empty without.
    """
    yield _scores(found.scores)
    if column:
        yield _scores(found.of_groups(column))
    if len(found.mistakes.indices):
        yield _mistakes(found.mistakes, name_of, samples.removesuffix("s"))


def _scores(table: result.Table) -> Table:
    title, rows = table.shown(_MOST_ROWS)
    columns = [*zip(*(row[1:] for row in rows), strict=True)]
    headings = table.columns[1:]
    wide = sum(_GAP + max(len(heading), *map(len, cells)) for heading, cells in zip(headings, columns, strict=True))
    most = max(_LEAST, min(_MOST, _WIDTH - wide))
    made = _table(title, _plain(table.columns[0], most).plain)
    for heading in headings:
        made.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        made.add_row(_plain(row[0], most), *row[1:])
    return made


def _mistakes(mistakes: result.Mistakes, name_of: NameOf, sample: str) -> Table:
    fields = [field for field in mistakes.fields if field.is_shown]
    made = _table(mistakes.title, sample)
    for field in fields:
        made.add_column(field.name, justify="right" if field.form else "left", no_wrap=True)
    for one in mistakes.rows(name_of, _MISTAKES):
        made.add_row(_plain(one["sample"]), *(_cell(field, one[field.name]) for field in fields))
    return made


def _cell(field: result.Field, value: Any) -> Text | str:
    return f"{value:{field.form}}" if field.form else _plain(value, _MISTAKEN)


def _table(title: str, first: str) -> Table:
    made = Table(title=one_line(title), title_justify="left", box=None, pad_edge=False, expand=False)
    made.add_column(first, overflow="fold")
    return made


def _plain(text: str, most: int | None = None) -> Text:
    """Returns a text on one line without markup, cut where it is longer."""
    plain = Text(one_line(text))
    if most:
        plain.truncate(most, overflow="ellipsis")
    return plain
