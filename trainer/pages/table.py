"""Tables with a caption and scopes, which screen readers announce."""

import dataclasses
import re
from collections.abc import Sequence

from trainer.pages.html import Html, element, scrolled, text

_BORDER = re.compile(r"(?<!\\)\|")  # between cells in Markdown


@dataclasses.dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
      title: its heading.
      is_number: whether its cells are aligned at their ends.
    """

    title: Html
    is_number: bool = False


def table(caption: Html, columns: Sequence[Column], rows: Sequence[Sequence[Html]], style: str = "") -> Html:
    """Returns a table whose first column has the headings of the rows.

    Args:
      caption: what the table shows.
      columns: at least one.
      rows: the cells of each.
      style: a class of the table.
    """
    head = element("tr", None, *(element("th", _cell(column) | {"scope": "col"}, column.title) for column in columns))
    body = [
        element(
            "tr",
            None,
            element("th", _cell(columns[0]) | {"scope": "row"}, row[0]),
            *(element("td", _cell(column), cell) for column, cell in zip(columns[1:], row[1:], strict=True)),
        )
        for row in rows
    ]
    whole = element(
        "table",
        {"class": style} if style else None,
        element("caption", None, caption),
        element("thead", None, head),
        element("tbody", None, *body),
    )
    return scrolled("table", whole)


def cells_of_markdown(markdown: str) -> list[list[str]]:
    """Returns the cells of a table in Markdown, without the line below its head and without emphasis."""
    rows = [line.strip() for line in markdown.splitlines() if line.startswith("|")]
    cells = [[cell.strip().replace("\\|", "|") for cell in _BORDER.split(row)[1:-1]] for row in rows]
    plain = [[cell.strip("*") if cell.startswith("**") else cell for cell in row] for row in cells]
    return [row for row in plain if not all(set(cell) <= set("-:") and cell for cell in row)]


def columns(titles: Sequence[str], numbers: int = 0) -> list[Column]:
    """Returns columns with these titles; from the index `numbers` on they hold numbers."""
    return [Column(text(title), is_number=bool(numbers) and index >= numbers) for index, title in enumerate(titles)]


def _cell(column: Column) -> dict[str, str | int | float]:
    return {"class": "number"} if column.is_number else {}
