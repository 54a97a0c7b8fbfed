"""Adapts the Markdown of the repository to the site that `make docs` builds: a hook of MkDocs.

On GitHub, links lead to files of the repository, and the words after a fence say what a test does with a block. On the
site, links lead to pages, and a fence has its language alone.
"""

import os
import posixpath
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
# The pages from outside docs/, by their names on the site.
OUTSIDE = {
    "index.md": "README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
    "notes.md": "benchmarks/NOTES.md",
}
_FENCE = re.compile(r"( *)(`{3,}|~{3,})(\w*).*")
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")


def on_files(files: Any, config: Any) -> Any:
    """Adds the pages from outside docs/."""
    from mkdocs.structure.files import File

    for page, source in OUTSIDE.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Returns a page's Markdown for the site.

    `SOURCE_URL` in the environment is the address of the repository's files; without it, links to them become text.
    """
    source = OUTSIDE.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    return adapted(markdown, source, os.environ.get("SOURCE_URL", ""))


def adapted(markdown: str, source: str, address: str) -> str:
    """Returns Markdown with the site's links and fences.

    Args:
      markdown: the text.
      source: its file, relative to the repository.
      address: the start of the URLs of the repository's files; empty where they have none.
    """
    parts, prose, fence = [], [], ""
    for line in markdown.splitlines():
        found = _FENCE.fullmatch(line)
        if fence:
            parts.append(line)
            fence = "" if found and found[2].startswith(fence) and not found[3] else fence
        elif found:
            parts += [_LINK.sub(_redirect(source, address), "\n".join(prose)), found[1] + found[2] + found[3]]
            prose, fence = [], found[2]
        else:
            prose.append(line)
    return "\n".join([*parts, _LINK.sub(_redirect(source, address), "\n".join(prose))]).strip("\n") + "\n"


def _redirect(source: str, address: str) -> Callable[[re.Match[str]], str]:
    pages = {file: page for page, file in OUTSIDE.items()}
    folder = posixpath.dirname(source)
    here = posixpath.dirname(source.removeprefix("docs/")) if source.startswith("docs/") else ""

    def link(found: re.Match[str]) -> str:
        picture, text, target = found.groups()
        name, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target) or not name:
            return found[0]
        path = posixpath.normpath(posixpath.join(folder, name))
        page = pages.get(path, path.removeprefix("docs/") if path.startswith("docs/") else "")
        if page:
            to = posixpath.relpath(page, here or ".")
        elif address:
            to = f"{address}/{path}"
        else:
            return text
        return f"{picture}[{text}]({to}{'#' if anchor else ''}{anchor})"

    return link
