"""The English of the documents: words that they do not use, and the length of their sentences."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.documents import blocks

# Private words of the project, and the field's words for them.
FORBIDDEN = {
    r"told|tells?|telling": "report, log, print, say",
    r"heard|heed(s|ed)?": "receive, ignore",
    r"places?|placed": "location, position, folder",
    r"(comes?|came|coming) to": "reach, is",
    r"lies?|lay|lain": "is stored, is in",
    r"whoever|whosoever": "anyone who",
    r"(goes|go|going|went|gone) on": "resume, continue",
    r"ever (more|less)|seldom": "less often",
    r"to the bit": "bit-exact",
    r"anew": "again",
    r"likewise": "the same",
    r"of (one's|his|her) own": "your own",
    r"mends?|mended": "fix, correct, solve",
    r"beside": "next to, in addition to",
    r"lets? be": "leave unchanged",
    r"perhaps": "optionally, possibly",
    r"in spite of all": "nevertheless",
    r"stands? (there|in|for any)": "is",
    r"the house": "the architecture, the project",
    r"no more than": "at most",
    r"some (\d+|two|three|four|five|six|eight|ten)": "about",
}  # fmt: skip
_LINK = re.compile(r"!?\[((?:[^\[\]]|\[[^\]]*\])*)\]\([^)]*\)")
_CODE = re.compile(r"(`+).+?\1")
_END = re.compile(r"(?<=[.?!])[*_)\"]*\s+(?=[\W\d]*[A-Z`])")
_ITEM = re.compile(r"([-*+]|\d+[.)]) +")
_WORD = re.compile(r"[A-Za-z][A-Za-z'’-]*|\d[\d.,]*")


def forbidden(document: Path) -> Iterator[str]:
    """Yields the private words of a document outside of its code, with their lines and what to write."""
    for number, line in blocks.prose(document):
        text = _CODE.sub("", _LINK.sub(r"\1", line))
        yield from (f"{document.name}:{number}: {said}" for said in found(text))


def found(text: str) -> Iterator[str]:
    """Yields the private words of a text, with what to write."""
    for word, better in FORBIDDEN.items():
        for match in re.finditer(rf"\b(?:{word})\b", text, re.IGNORECASE):
            yield f"write {better}. Received: {match[0]}"


def sentences(document: Path) -> list[str]:
    """Returns the sentences of a document outside of its blocks, tables, headings and pictures; code is one word."""
    paragraphs = [""]
    for _, line in blocks.prose(document):
        text = line.strip()
        if not text or text.startswith(("#", "|", "![", ":::")):
            paragraphs.append("")
        elif _ITEM.match(text):
            paragraphs.append(_ITEM.sub("", text, count=1))
        else:
            paragraphs[-1] += f" {text}"
    plain = (_CODE.sub("X", _LINK.sub(r"\1", paragraph)).strip() for paragraph in paragraphs)
    return [sentence for paragraph in plain if paragraph for sentence in _END.split(paragraph)]


def length(sentence: str) -> int:
    """Returns the number of words of a sentence."""
    return len(_WORD.findall(sentence))
