"""A page as a parser sees it."""

import dataclasses
import html.parser
import itertools
import re

_VOID = ("br", "img", "meta")


@dataclasses.dataclass
class Page(html.parser.HTMLParser):
    """The elements of a page, each with its attributes, and its texts.

    Attributes:
      elements: in order.
      texts: outside of the style.
      headings: level and text.
    """

    elements: list[tuple[str, dict[str, str]]] = dataclasses.field(default_factory=list)
    texts: list[str] = dataclasses.field(default_factory=list)
    headings: list[tuple[int, str]] = dataclasses.field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in _VOID:
            self._open.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append((int(tag[1]), ""))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.texts.append(data)
        if self._open and re.fullmatch("h[1-6]", self._open[-1]):
            level, text = self.headings[-1]
            self.headings[-1] = (level, text + data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def of(self, *tags: str) -> list[dict[str, str]]:
        """Returns the attributes of the elements of some kinds."""
        return [attributes for tag, attributes in self.elements if tag in tags]


def parsed(content: str) -> Page:
    """Returns a page, all of whose elements are closed, with what every page must have."""
    page = Page()
    page.feed(content)
    assert page._open == []
    check(page, content)
    return page


def check(page: Page, content: str) -> None:
    """Asserts what holds of every page."""
    assert len(content.encode()) < 5_000_000
    assert {tag for tag, _ in page.elements} & {"script", "link", "iframe", "object", "form", "base"} == set()
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        for name in ("src", "href", "srcset", "data", "action", "poster"):
            assert attributes.get(name, "#").startswith(("#", "data:image/png;base64,")), (tag, attributes)
    assert "url(" not in content and "@import" not in content
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {attributes["href"][1:] for attributes in page.of("a")}
    assert links <= set(ids)
    levels = [level for level, _ in page.headings]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert all(image.get("alt") and int(image["width"]) > 0 for image in page.of("img"))
    assert all("aria-label" in drawn or "aria-hidden" in drawn for drawn in page.of("svg"))
    assert len(page.of("caption")) == len(page.of("table"))
    assert all(cell.get("scope") in ("row", "col") for cell in page.of("th"))
    assert len(page.of("nav")) == len(page.of("main")) == 1 and page.of("html") == [{"lang": "en"}]
