"""The documents are in plain technical English: the field's words, in short sentences."""

import re
from pathlib import Path
from statistics import mean

import pytest

from tests.documents import flag_lists, strings, words
from tests.documents.scratch import ROOT

# Pages and packages whose texts are yet to be rewritten.
LATER: set[str] = set()
LATER_PACKAGES: set[str] = set()
PROGRAMS = ["task", "study", "predict", "evaluate", "serve", "data", "tensorboard", "local_cluster"]
PACKAGE = ROOT / "trainer"
MODULES = [path for path in sorted(PACKAGE.rglob("*.py")) if path.relative_to(PACKAGE).parts[0] not in LATER_PACKAGES]
PAGES = [page for page in sorted((ROOT / "docs").rglob("*.md")) if page.name not in LATER]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES]
PURPOSE = re.compile(r"This (tutorial|how-to guide|reference|explanation) is for anyone who ")
AVERAGE = 20  # words a sentence, over a page
LONGEST = 30  # words in any sentence


def _name(document: Path) -> str:
    return str(document.relative_to(ROOT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_uses_the_words_of_the_field(document: Path) -> None:
    found = [*words.forbidden(document)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_sentences_are_short(document: Path) -> None:
    sentences = words.sentences(document)
    assert mean(map(words.length, sentences)) <= AVERAGE
    long = [sentence for sentence in sentences if words.length(sentence) > LONGEST]
    assert not long, "\n".join(long)


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_a_page_begins_with_its_kind_and_its_readers(page: Path) -> None:
    title, first, *_ = (line for line in page.read_text(encoding="utf-8").splitlines() if line)
    assert title.startswith("# ") and PURPOSE.match(first), first


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 200


def test_messages_use_the_words_of_the_field() -> None:
    found = [said for path in MODULES for said in strings.forbidden(path)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("program", PROGRAMS)
def test_help_uses_the_words_of_the_field(program: str) -> None:
    flags = flag_lists.flags(ROOT, f"trainer.{program}")
    found = [f"--{flag.name}: {said}" for flag in flags for said in words.found(f"{flag.meaning}; {flag.rule}")]
    assert not found, "\n".join(found)


def test_finds_private_words_in_messages(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text(
        '"""It goes on and lies."""\n'
        'raise ValueError(f"the run in {place} goes on")\n'
        'print("`place` must be told. Received: a/place/b")\n'
        'key = "beside"\n'
    )
    found = [*strings.forbidden(tmp_path / "module.py")]
    assert [line.rpartition(": ")[2] for line in found] == ["goes on", "told"]
    assert [line.split(":")[1] for line in found] == ["2", "3"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A damaged one is told.", ["told"]),
        ("It lies in [a place](x.md),\nand goes on.", ["place", "lies", "goes on"]),
        ("Replace the placeholder; `place`, [a](place.md)\n```text\ntold\n```", []),
        ("Whoever reads, comes to some ten", ["comes to", "Whoever", "some ten"]),
    ],
)
def test_finds_private_words(text: str, expected: list[str], tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(text)
    assert sorted(line.rsplit(": ", 1)[1] for line in words.forbidden(tmp_path / "page.md")) == sorted(expected)


def test_counts_sentences(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(
        "# Title\n\nOne [two](x.md) `three four`. Five\nsix, e.g. seven.\n\n| a. B | c |\n"
        "- Eight.\n- Nine ten\n  eleven\n"
    )
    sentences = words.sentences(tmp_path / "page.md")
    assert [words.length(sentence) for sentence in sentences] == [3, 5, 1, 3]
