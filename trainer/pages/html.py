"""HTML from small pure functions. Only `text` makes `Html` of a name or a number, so that everything is escaped."""

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import NewType

from trainer.errors import one_line

Html = NewType("Html", str)

EMPTY = Html("")
_VOID = ("br", "img", "meta")
_SHORT = 20  # characters of a word that is not broken

Attributes = Mapping[str, str | int | float]


def text(value: object) -> Html:
    """Returns a value as text on one line, in which every character stands for itself."""
    return Html(html.escape(one_line(str(value))))


def element(tag: str, attributes: Attributes | None = None, *children: Html) -> Html:
    """Returns an element; the values of attributes are escaped, and children are not."""
    given = "".join(f' {name}="{text(value)}"' for name, value in (attributes or {}).items())
    return Html(f"<{tag}{given}>" if tag in _VOID else f"<{tag}{given}>{''.join(children)}</{tag}>")


def joined(parts: Iterable[Html], separator: str = "\n") -> Html:
    """Returns parts one after the other."""
    return Html(separator.join(parts))


def paragraph(*children: Html) -> Html:
    """Returns a paragraph."""
    return element("p", None, *children)


def note(*children: Html) -> Html:
    """Returns a paragraph in a lighter colour."""
    return element("p", {"class": "note"}, *children)


def name(value: object) -> Html:
    """Returns a name that was given by a user, with its own direction of writing; short words are not broken."""
    is_short = all(len(word) <= _SHORT for word in str(value).split())
    return element("bdi", {"class": "short"} if is_short else None, text(value))


def listed(items: Sequence[Html]) -> Html:
    """Returns a list; nothing if it has no items."""
    return element("ul", None, *(element("li", None, item) for item in items)) if items else EMPTY


def command(value: str) -> Html:
    """Returns a command, or several, one a line, to copy; no line is broken within a word that fits."""
    return element("pre", None, element("code", None, joined(map(_words, value.split("\n")))))


def scrolled(label: str, content: Html) -> Html:
    """Returns content that scrolls by itself if it is wide, also with the keyboard."""
    return element("div", {"class": "scroll", "tabindex": 0, "role": "region", "aria-label": label}, content)


def folded(summary: Html, *children: Html) -> Html:
    """Returns content that is shown on request."""
    return element("details", None, element("summary", None, summary), *children)


def subheading(title: Html) -> Html:
    """Returns a heading within a section."""
    return element("h3", None, title)


def _words(line: str) -> Html:
    return joined([element("span", {"class": "word"}, text(word)) if word else EMPTY for word in line.split(" ")], " ")
