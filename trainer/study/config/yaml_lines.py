"""The value of a YAML file, and the line of each part of it."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from trainer.errors import UsageError
from trainer.files import expanded
from trainer.study.config.messages import FieldPath, Problem

_MAP, _LIST, _MERGE = (f"tag:yaml.org,2002:{kind}" for kind in ("map", "seq", "merge"))
_LONGEST = 80  # characters of a value in a message


@dataclasses.dataclass(frozen=True)
class Lines:
    """The text of a YAML file, by path.

    Attributes:
      root: the file's outermost node.
    """

    root: yaml.Node

    def line(self, path: FieldPath) -> int:
        """Returns the line, from 1, of a value's name, or of an item's first character; else the enclosing line."""
        *_, line = (line for _, line in self._way(path))
        return line + 1

    def text(self, path: FieldPath) -> str:
        """Returns the shortened text at a path; `nothing` if there is none."""
        nodes = [node for node, _ in self._way(path)]
        if len(nodes) <= len(path):
            return "nothing"
        if isinstance(nodes[-1], yaml.ScalarNode):
            return _shortened(nodes[-1].value) or "nothing"
        return _shortened(json.dumps(_plain(nodes[-1]), ensure_ascii=False))

    def _way(self, path: FieldPath) -> Iterator[tuple[yaml.Node, int]]:
        """Yields the root and the node of each part of a path, as far as they exist, with their lines."""
        here = self.root, self.root.start_mark.line
        yield here
        for part in path:
            found = _step(here[0], part)
            if found is None:
                return
            here = found
            yield here


def _step(node: yaml.Node, part: str | int) -> tuple[yaml.Node, int] | None:
    """Returns the child of a node, and its line; of two with the same name the last, as in YAML."""
    if isinstance(node, yaml.MappingNode):
        found = [(value, key.start_mark.line) for key, value in node.value if key.value == part]
    elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
        found = [(value, value.start_mark.line) for value in node.value[part : part + 1]]
    else:
        found = []
    return found[-1] if found else None


def read(path: Path) -> tuple[Any, Lines, list[Problem]]:
    """Returns a file's value in JSON form, the lines of its parts, and the parts that only YAML allows.

    Raises:
      UsageError: it cannot be read, or is not one YAML document; the message begins with file and line.
    """
    text = _text(path)
    loader = yaml.SafeLoader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            raise UsageError(f"{path}:1: the file must contain a job. Received: nothing")
        reader = _Reader(loader)
        return reader.value(root, ()), Lines(root), reader.problems
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        said = ", ".join(part for part in (error.context, error.problem) if part)
        hint = "indented by spaces, not tabs" if "'\\t'" in said else "one document"
        raise UsageError(f"{path}:{line}: the file must be YAML, {hint}. Received: {said}") from None
    except RecursionError:
        raise UsageError(f"{path}:1: the file must be less deeply nested") from None
    finally:
        loader.dispose()


def _text(path: Path) -> str:
    try:
        content = Path(expanded(str(path))).read_bytes()
    except OSError as error:
        raise UsageError(f"`--config` must be a file to read ({error.strerror}). Received: {path}") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{path}:{line}: the file must be UTF-8. Received: byte {content[error.start]:#04x}") from None
    bad = yaml.reader.Reader.NON_PRINTABLE.search(text)
    if bad:
        line = text.count("\n", 0, bad.start()) + 1
        raise UsageError(f"{path}:{line}: the file must contain printable characters. Received: {bad[0]!a}")
    return text


class _Reader:
    """Converts nodes to values, and collects their problems."""

    def __init__(self, loader: yaml.SafeLoader):
        self.problems: list[Problem] = []
        self._loader = loader
        self._done: dict[yaml.Node, Any] = {}
        self._open: set[yaml.Node] = set()

    def value(self, node: yaml.Node, path: FieldPath) -> Any:
        """Returns a node's value; an alias has the value of its anchor."""
        if node in self._open:
            self.problems.append(Problem(path, "must not contain itself", received="an alias of its own value"))
            return None
        if node not in self._done:
            self._open.add(node)
            self._done[node] = self._made(node, path)
            self._open.remove(node)
        return self._done[node]

    def _made(self, node: yaml.Node, path: FieldPath) -> Any:
        if isinstance(node, yaml.MappingNode) and node.tag == _MAP:
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and node.tag == _LIST:
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        try:
            if isinstance(node, yaml.ScalarNode):
                return self._loader.construct_object(node)
        except (yaml.constructor.ConstructorError, ValueError):
            pass
        self.problems.append(Problem(path, "must be text, a number, a list or a mapping", received=node.tag))
        return None

    def _mapping(self, node: yaml.MappingNode, path: FieldPath) -> dict[str, Any]:
        lines: dict[str, int] = {}
        for key, _ in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else ""
            if name in lines and key.tag != _MERGE:
                where = f"it is on line {lines[name]} too"
                self.problems.append(Problem((*path, name), f"must be given once: {where}", received="a second one"))
            lines[name] = key.start_mark.line + 1
        self._loader.flatten_mapping(node)  # <<: *anchor
        names = [self._name(key, path) for key, _ in node.value]
        return {name: self.value(value, (*path, name)) for name, (_, value) in zip(names, node.value, strict=True)}

    def _name(self, key: yaml.Node, path: FieldPath) -> str:
        if isinstance(key, yaml.ScalarNode) and isinstance(self._made(key, path), str):
            return str(key.value)
        text = key.value if isinstance(key, yaml.ScalarNode) else "a list or a mapping"
        rule = "must have names that are text; put them in quotes"
        self.problems.append(Problem((*path, text), rule, received=text))
        return str(text)


def _plain(node: yaml.Node) -> Any:
    """Returns a node's value with all scalars as text, down to a limited depth."""
    if isinstance(node, yaml.MappingNode):
        return {str(getattr(key, "value", "")): _leaf(value) for key, value in node.value}
    return [_leaf(item) for item in node.value]


def _leaf(node: yaml.Node) -> Any:
    return node.value if isinstance(node, yaml.ScalarNode) else "…"


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
