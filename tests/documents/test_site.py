"""The site that `make docs` builds."""

import re
from pathlib import Path

import pytest

from docs import site
from tests.documents.scratch import ROOT

CONFIG = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("source", "markdown", "expected"),
    [
        ("README.md", "[a](docs/data.md#parts)", "[a](data.md#parts)"),
        ("README.md", "![a](docs/pictures/hero.png)", "![a](pictures/hero.png)"),
        ("README.md", "[a](CONTRIBUTING.md), [b](#train)", "[a](contributing.md), [b](#train)"),
        ("README.md", "[a](setup.py)", "[a](https://host/setup.py)"),
        ("docs/data.md", "[a](running.md) [b](https://example.com)", "[a](running.md) [b](https://example.com)"),
        ("docs/data.md", "[a](../benchmarks/NOTES.md#b)", "[a](notes.md#b)"),
        ("docs/data.md", "[a](../trainer/run)", "[a](https://host/trainer/run)"),
        ("docs/api/run.md", "[a](../running.md)", "[a](../running.md)"),
        ("benchmarks/NOTES.md", "[a](../docs/data.md)", "[a](data.md)"),
        ("README.md", "[a\nb](docs/data.md)\n\n```sh\na\n```", "[a\nb](data.md)\n\n```sh\na\n```"),
        ("docs/data.md", "```sh account\n[a](../b)\n```\n[c](../d)", "```sh\n[a](../b)\n```\n[c](https://host/d)"),
    ],
)
def test_adapts_links_and_fences(source: str, markdown: str, expected: str) -> None:
    assert site.adapted(markdown, source, "https://host") == f"{expected}\n"


def test_links_to_files_become_text_without_an_address() -> None:
    assert site.adapted("[`a`](../setup.py), [b](data.md)", "docs/tuning.md", "") == "`a`, [b](data.md)\n"


def test_every_page_is_in_the_navigation() -> None:
    pages = {str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")}
    assert sorted(re.findall(r": (\S+\.md)$", CONFIG, re.MULTILINE)) == sorted(pages | set(site.OUTSIDE))


@pytest.mark.slow
def test_builds_without_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Warnings are links that lead nowhere and docstrings that do not fit their function."""
    commands = pytest.importorskip("mkdocs.commands.build")
    config = pytest.importorskip("mkdocs.config")
    monkeypatch.chdir(ROOT)
    commands.build(config.load_config(str(ROOT / "mkdocs.yml"), strict=True, site_dir=str(tmp_path)))
    assert (tmp_path / "data" / "index.html").is_file() and (tmp_path / "search").is_dir()
