"""The strings of a program that a user can read: the texts of its messages, help and output."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.documents import words

_CODE = re.compile(r"`[^`]*`|gs://\S*|[\w./-]*[/_=]\w\S*")  # names in backticks, locations, paths and flags
_LEAST = 3  # words of a text; anything shorter is a key, a name or a part of a path


def texts(module: ast.Module) -> Iterator[tuple[int, str]]:
    """Yields the line and the text of each string outside of docstrings; values in an f-string become `X`."""
    docs = {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Expr)}
    pieces = {id(one) for node in ast.walk(module) if isinstance(node, ast.JoinedStr) for one in node.values}
    for node in ast.walk(module):
        if isinstance(node, ast.JoinedStr):
            yield node.lineno, "".join(str(one.value) if isinstance(one, ast.Constant) else "X" for one in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and {id(node)}.isdisjoint(docs | pieces):
            yield node.lineno, node.value


def forbidden(path: Path) -> Iterator[str]:
    """Yields the private words in the strings of a Python file, with their lines and what to write."""
    for line, text in texts(ast.parse(path.read_text(encoding="utf-8"))):
        if len(text.split()) >= _LEAST:
            yield from (f"{path.name}:{line}: {said}" for said in words.found(_CODE.sub("", text)))
