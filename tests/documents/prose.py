"""What documents say outside of their blocks: commands and flags in inline code, links, pictures, anchors."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from tests.documents import blocks
from tests.documents.programs import OWN, Programs, module_of

_CODE = re.compile(r"(`+)(.+?)\1(?!`)")
_LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)|\b(?:href|src)=\"([^\"]+)\"|^\[[^\]]+\]:\s+(\S+)")
_HEADING = re.compile(r"#{1,6} +(.*?)(?: +#+)?")
_ANCHOR = re.compile(r"<a (?:id|name)=\"([^\"]+)\"")
_FLAG = re.compile(r"--[a-z][a-z0-9_-]*")
_MARKS = re.compile(r"!?\[([^\]]*)\]\([^)]*\)|<[^>]+>|[*`]")  # of a heading, which its anchor has not


def problems(document: Path, programs: Programs, root: Path) -> Iterator[str]:
    """Yields the inline commands, flags and links of a document that lead nowhere, with their lines."""
    # Flags of other programs are known where a command of the document shows them.
    shown = {flag for block in blocks.read(document) for flag in _FLAG.findall(block.content)}
    known = programs.every_flag() | shown | {"--flag"}  # which stands for any
    for number, line in blocks.prose(document):
        for problem in [*_code(line, programs, known), *_links(line, document, root)]:
            yield f"{document.name}:{number}: {problem}"


def anchors(document: Path) -> set[str]:
    """Returns what a link may name behind a `#`, as GitHub makes it of headings."""
    found: set[str] = set()
    for _, line in blocks.prose(document):
        found |= set(_ANCHOR.findall(line))
        heading = _HEADING.fullmatch(line)
        if heading:
            words = _MARKS.sub(lambda mark: mark[1] or "", heading[1]).strip().lower()
            name = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
            counted = (name, *(f"{name}-{count}" for count in range(1, 100)))
            found.add(next(one for one in counted if one not in found))
    return found


def _code(line: str, programs: Programs, known: set[str]) -> Iterator[str]:
    for _, code in _CODE.findall(line):
        for command in programs.commands(code) if re.match(r"(\S*python3? -m|make) ", code) else ():
            module = module_of(command)
            if module and not programs.source(module) and module.split(".")[0] in OWN:
                yield f"`{code}` must name a program of this project"
            if command[:1] == ["make"]:
                yield from programs.problems(command)
        for flag in _FLAG.findall(code) if code.startswith("--") or _is_ours(code) else ():
            if flag.replace("-", "_").replace("_", "-", 2) not in known and flag not in known:
                yield f"`{code}`: `{flag}` is no flag"


def _is_ours(code: str) -> bool:
    return re.match(r"\S*python3? -m (trainer|benchmarks|tests)\b", code) is not None


def _links(line: str, document: Path, root: Path) -> Iterator[str]:
    for found in _LINK.findall(_CODE.sub("", line)):
        target = next(part for part in found if part)
        if re.match(r"[a-z]+:", target):  # https, mailto: elsewhere
            continue
        name, _, anchor = target.partition("#")
        path = (document.parent / unquote(name)).resolve() if name else document
        if not path.exists() or not path.is_relative_to(root):
            yield f"the link must lead to a file of this project. Received: {target}"
        elif anchor and path.suffix == ".md" and anchor not in anchors(path):
            yield f"the link must lead to a heading or an anchor of {path.name}. Received: {target}"
