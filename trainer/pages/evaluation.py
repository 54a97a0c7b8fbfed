"""The page of an evaluation: the scores with their intervals, pictures of them, the worst mistakes."""

import dataclasses
import datetime
from collections.abc import Iterator, Mapping, Sequence

from trainer.objectives.evaluation.result import Evaluation, Field, Mistakes, NameOf, Table
from trainer.pages import page
from trainer.pages.html import EMPTY, Html, element, folded, joined, listed, name, note, paragraph, text
from trainer.pages.page import Section
from trainer.pages.picture import figure, gallery
from trainer.pages.table import Column, table

_MOST_ROWS = 100
_MOST_MISTAKES = 50  # rows
_SHOWN = 12  # pictures of mistakes that are not folded away
_PANELS = 4  # pictures of a figure that are not folded away
_MOST_BROKEN = 20


@dataclasses.dataclass(frozen=True)
class About:
    """What was evaluated.

    Attributes:
      model: its folder.
      data: where the samples are.
      part: of the data, and why, in words.
      samples: what a sample is, in the plural.
      column: of the groups; empty without.
      broken: why samples cannot be read, each with its path.
      name_of: returns the path of a sample.
    """

    model: str
    data: str
    part: str
    samples: str
    column: str
    broken: Sequence[str]
    name_of: NameOf


def html(
    found: Evaluation,
    about: About,
    figures: Mapping[str, Sequence[bytes]],
    mistaken: Sequence[bytes],
    now: datetime.datetime,
) -> str:
    """Returns the page.

    Args:
      found: the result.
      about: what was evaluated.
      figures: PNG files by the names of the figures, one or more of each.
      mistaken: the samples of the first mistakes, PNG files.
      now: the time of writing.
    """
    drawn = [_figure(key, caption, figures[key]) for key, (caption, _) in found.figures.items()]
    sections = [
        _result(found),
        *_groups(found, about),
        *drawn,
        *_frequent(found),
        _mistakes(found.mistakes, mistaken, about.name_of),
    ]
    lead = paragraph(name(about.model), text(" on "), name(about.data), text(f" ({about.part})"))
    return page.document("Evaluation", lead, [*sections, *_broken(about)], now)


def _result(found: Evaluation) -> Section:
    score, words = found.headline
    parts = [
        element("p", {"class": "result"}, text(score)),
        paragraph(text(words)),
        _table(found.scores),
        note(text("– means that the score is undefined, or that there are too few samples for an interval.")),
    ]
    return Section("result", "Result", joined(parts))


def _groups(found: Evaluation, about: About) -> Iterator[Section]:
    if about.column:
        yield Section("groups", "Groups", _table(found.of_groups(about.column)))


def _figure(key: str, caption: str, pictures: Sequence[bytes]) -> Section:
    drawn = [figure(one, EMPTY, f"{caption} The tables have the numbers.") for one in pictures]
    return Section(key, key.capitalize(), joined([note(text(caption)), gallery(drawn, _PANELS, "pictures")]))


def _frequent(found: Evaluation) -> Iterator[Section]:
    if found.frequent and found.frequent.rows:
        yield Section("frequent", found.frequent.title.capitalize(), _names_table(found.frequent))


def _names_table(found: Table) -> Html:
    """Returns a table of pairs of names and their number."""
    head = [Column(text(heading), is_number=index == 2) for index, heading in enumerate(found.columns)]
    return table(EMPTY, head, [[name(row[0]), name(row[1]), text(row[2])] for row in found.rows])


def _table(found: Table) -> Html:
    title, rows = found.shown(_MOST_ROWS)
    head = [Column(text(heading), is_number=index > 0) for index, heading in enumerate(found.columns)]
    return table(text(title), head, [[name(row[0]), *map(text, row[1:])] for row in rows])


def _mistakes(mistakes: Mistakes, pictures: Sequence[bytes], name_of: NameOf) -> Section:
    title = mistakes.title.capitalize()
    fields = [field for field in mistakes.fields if field.is_shown]
    rows = [*mistakes.rows(name_of, _MOST_MISTAKES)]
    if not rows:
        return Section("mistakes", title, note(text("None.")))
    figures = [
        figure(content, _caption(row, fields), f"{row['sample']}: {_words(row, fields)}")
        for content, row in zip(pictures, rows, strict=False)
    ]
    head = [Column(text("sample")), *(Column(text(field.name), is_number=bool(field.form)) for field in fields)]
    cells = [[name(row["sample"]), *(_cell(field, row[field.name]) for field in fields)] for row in rows]
    more = len(mistakes.indices) - len(rows)
    rest = note(text(f"{more:,} more are in mistakes.csv.")) if more > 0 else EMPTY
    whole = joined([table(text(title), head, cells), rest])
    return Section("mistakes", title, joined([gallery(figures, _SHOWN, "samples"), folded(text("As a table"), whole)]))


def _caption(row: Mapping[str, str | float], fields: Sequence[Field]) -> Html:
    lines = [joined([text(f"{field.name}: "), _cell(field, row[field.name])], "") for field in fields]
    return joined([*lines, name(str(row["sample"]).rpartition("/")[2])], str(element("br")))


def _words(row: Mapping[str, str | float], fields: Sequence[Field]) -> str:
    return ", ".join(f"{field.name} {row[field.name]:{field.form}}" for field in fields)


def _cell(field: Field, value: str | float) -> Html:
    return text(f"{value:{field.form}}") if field.form else name(value or "none")


def _broken(about: About) -> Iterator[Section]:
    if not about.broken:
        return
    more = len(about.broken) - _MOST_BROKEN
    rest = note(text(f"and {more:,} more")) if more > 0 else EMPTY
    items = listed([name(line) for line in about.broken[:_MOST_BROKEN]])
    yield Section("broken", "Left out", joined([note(text(f"These {about.samples} cannot be read:")), items, rest]))
