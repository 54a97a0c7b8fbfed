"""What docs/troubleshooting.md quotes, and whether the source says it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.documents import blocks

_PLACE = re.compile("‹[^›]*›")
_LEAST = 6  # letters that a text of the source must have, to say anything
_MOST = 12  # letters between two places that a value of the source may be, as a file's name


def quoted(document: Path) -> list[str]:
    """Returns every message of a document, which are the lines of its blocks of text."""
    return [
        line for block in blocks.read(document) if block.tag == "text" for line in block.content.splitlines() if line
    ]


def pattern(message: str) -> re.Pattern[str]:
    """Returns what matches a message as it is printed."""
    return re.compile(".*".join(map(re.escape, _PLACE.split(message))), re.DOTALL)


class Source:
    """The texts in a program's source, each as a pattern with gaps for what is filled in.

    Args:
      folder: holds its files.
    """

    def __init__(self, folder: Path):
        texts = (text for path in sorted(folder.rglob("*.py")) for text in _texts(ast.parse(path.read_text())))
        found = {line for text in texts for line in _lines(text)}
        self._patterns = [
            (re.compile(form.join(map(re.escape, parts)), re.DOTALL), sum(map(_letters, parts)))
            for parts in sorted(found, key=lambda parts: -sum(map(_letters, parts)))
            for form in ("(.*?)", "(.*)")
        ]

    def says(self, message: str) -> bool:
        """Returns whether a message is made of the source's texts, put into each other's gaps."""
        if all(_letters(part) <= _MOST for part in _PLACE.split(message)):
            return True
        for text, letters in self._patterns:
            found = text.fullmatch(message)
            if (
                found
                and letters >= _LEAST
                and all(len(part) < len(message) and self.says(part) for part in found.groups())
            ):
                return True
        return False


def _letters(text: str) -> int:
    return len(re.sub(r"\W", "", text))


def _texts(tree: ast.Module) -> Iterator[tuple[str, ...]]:
    """Yields the strings of a module but its docstrings, each as the parts around its gaps."""
    constants = {
        node.targets[0].id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield (node.value,)
        if isinstance(node, ast.JoinedStr):
            yield _parts(node, constants)


def _lines(text: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yields the lines of a text with gaps, without the program's name before them."""
    parts: list[str] = []
    for part in text:
        first, *others = part.split("\n")
        parts.append(first)
        for line in others:
            yield (parts[0].removeprefix("trainer: "), *parts[1:])
            parts = [line]
    yield (parts[0].removeprefix("trainer: "), *parts[1:])


def _parts(text: ast.JoinedStr, constants: dict[str, object]) -> tuple[str, ...]:
    parts = [""]
    for value in text.values:
        if isinstance(value, ast.Constant):
            parts[-1] += str(value.value)
        elif isinstance(value, ast.FormattedValue) and isinstance(constants.get(_name(value.value)), str):
            parts[-1] += str(constants[_name(value.value)])
        else:
            parts.append("")
    return tuple(parts)


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""
