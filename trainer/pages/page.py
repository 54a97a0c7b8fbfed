"""A whole page: its head, its navigation, its sections."""

import dataclasses
import datetime
from collections.abc import Sequence
from pathlib import Path

from trainer import files
from trainer.errors import UsageError
from trainer.pages.html import EMPTY, Html, element, joined, text
from trainer.pages.style import STYLE

NAME = "report.html"
MOST_BYTES = 5_000_000

_GENERATOR = "trainer.report"
_MARK = f'<meta name="generator" content="{_GENERATOR}">'
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"  # nothing is loaded, and no script runs


@dataclasses.dataclass(frozen=True)
class Section:
    """A part of a page.

    Attributes:
      id: its anchor.
      title: its heading.
      body: its content.
    """

    id: str
    title: str
    body: Html


def document(title: str, lead: Html, sections: Sequence[Section], now: datetime.datetime) -> str:
    """Returns a page.

    Args:
      title: its heading.
      lead: what it is about, in a sentence.
      sections: its parts.
      now: the time of writing.
    """
    links = [element("li", None, element("a", {"href": f"#{one.id}"}, text(one.title))) for one in sections]
    navigation = element("nav", {"aria-label": "Sections"}, element("ol", None, *links))
    parts = [
        element("section", {"id": one.id, "aria-labelledby": f"{one.id}-title"}, _heading(one), one.body)
        for one in sections
    ]
    skip = element("a", {"class": "skip", "href": "#content"}, text("Skip to the content"))
    header = element("header", None, element("h1", None, text(title)), lead)
    main = element("main", {"id": "content", "tabindex": -1}, joined(parts))
    footer = element(
        "footer", None, text(f"Written on {now:%d %B %Y at %H:%M} by trainer. This file loads nothing from elsewhere.")
    )
    body = element("body", None, skip, header, element("div", {"class": "frame"}, navigation, main), footer)
    return f'<!doctype html>\n<html lang="en">\n{_head(title)}\n{body}\n</html>\n'


def write(path: Path, content: str) -> None:
    """Writes a page whole; a page of an earlier time is replaced.

    Raises:
      UsageError: the file is something else.
      OSError: it cannot be written.
    """
    if not may_be_written(path):
        raise UsageError(f"the report must be a new file or replace a report. Received: {path}, another file")
    files.replace(path, content)


def may_be_written(path: Path) -> bool:
    """Returns whether a file does not exist or is a report."""
    try:
        with path.open("rb") as file:
            return _MARK.encode() in file.read(1000)
    except FileNotFoundError:
        return True
    except OSError:  # a folder, or a file that cannot be read
        return False


def _head(title: str) -> Html:
    parts = [
        element("meta", {"charset": "utf-8"}),
        Html(_MARK),
        element("meta", {"http-equiv": "Content-Security-Policy", "content": _POLICY}),
        element("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        element("meta", {"name": "color-scheme", "content": "light dark"}),
        element("title", None, text(title)),
        element("style", None, Html(STYLE)),
    ]
    return element("head", None, joined([EMPTY, *parts, EMPTY]))


def _heading(section: Section) -> Html:
    return element("h2", {"id": f"{section.id}-title"}, text(section.title))
