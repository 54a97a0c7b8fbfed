"""A document's fenced blocks, and the rules that they follow.

The words after the fence say what a test does with a block:

    sh             runs it; exit status 0 is expected, of every line
    sh server      its last line keeps serving until the next server block, or the document's end
    sh account     needs a Google Cloud account: only read
    sh network     downloads what nothing stands in for: only read
    sh download    downloads a data set, for which a small one stands in
    sh minutes     takes long: only read; each line is a make target or a program that a test runs tiny
    sh image       needs a built container image: only read; tests/test_image.py runs such a line
    python         runs it by itself
    text, json, yaml, …   shown only
"""

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

RUN = {"sh", "sh server", "sh download", "python"}
READ = {"sh account", "sh network", "sh minutes", "sh image"}
SHOWN = {"text", "json", "yaml", "http", "dockerfile", "mermaid"}

_FENCE = re.compile(r"( *)(`{3,}|~{3,})(.*)")
_ITEM = re.compile(r" *([-*+]|\d+[.)]) ")
_COMMANDS = {
    "$", ".", "apt-get", "bash", "cd", "curl", "docker", "export", "gcloud", "git", "make", "pip", "podman", "python",
    "python3", "source", "uv",
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Block:
    """One fenced block.

    Attributes:
      document: the file.
      line: the number of its first line of content.
      tag: the words after the fence.
      content: its lines.
    """

    document: Path
    line: int
    tag: str
    content: str

    def __str__(self) -> str:
        return f"{self.document.name}:{self.line}"


def read(document: Path) -> list[Block]:
    """Returns a document's fenced blocks."""
    return [block for block, _ in _parts(document) if block]


def prose(document: Path) -> list[tuple[int, str]]:
    """Returns the numbered lines of a document that are in no fenced block."""
    return [(number, line) for block, lines in _parts(document) if not block for number, line in lines]


def problems(document: Path) -> Iterator[str]:
    """Yields what breaks the rules of blocks, with its line."""
    for block in read(document):
        if block.tag not in RUN | READ | SHOWN:
            allowed = ", ".join([*sorted(RUN | READ), *sorted(SHOWN)])
            yield f"{document.name}:{block.line - 1}: a block must be one of {allowed}. Received: {block.tag or 'none'}"
    yield from _indented_commands(document)


def _parts(document: Path) -> Iterator[tuple[Block | None, list[tuple[int, str]]]]:
    """Yields blocks, and between them numbered lines."""
    outside: list[tuple[int, str]] = []
    lines = enumerate(document.read_text(encoding="utf-8").splitlines(), 1)
    for number, line in lines:
        opened = _FENCE.fullmatch(line)
        if not opened or "`" in opened[3]:
            outside.append((number, line))
            continue
        yield None, outside
        outside, inside, (indent, fence, tag) = [], [], opened.groups()
        for _, content in lines:
            closed = _FENCE.fullmatch(content)
            if closed and closed[2].startswith(fence) and not closed[3].strip():
                break
            inside.append(content.removeprefix(indent))
        yield Block(document, number + 1, " ".join(tag.split()), "".join(f"{one}\n" for one in inside)), []
    yield None, outside


def _indented_commands(document: Path) -> Iterator[str]:
    """Yields the indented blocks that begin with a command: nothing would run them."""
    before, in_list = "", False
    for number, line in prose(document):
        if line.strip() and not line.startswith(" "):
            in_list = bool(_ITEM.match(line))
        if line.startswith("    ") and not before.strip() and not in_list:
            word = line.split()[0]
            if word in _COMMANDS or word.startswith(".venv/"):
                yield f"{document.name}:{number}: a command must stand in a fenced block. Received: {line.strip()}"
        before = line
