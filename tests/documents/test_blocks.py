import re
from pathlib import Path

import pytest

from tests.documents import blocks


def _document(folder: Path, text: str) -> Path:
    path = folder / "README.md"
    path.write_text(text)
    return path


def test_reads_blocks_with_their_lines(tmp_path: Path) -> None:
    document = _document(
        tmp_path,
        "# Title\n\n```sh\nmake train\n```\nprose `a`\n- item\n  ````text\n  ```\n  inner\n  ````\n"
        "~~~sh  server\nserve\n~~~\n```python\nlast\n",
    )
    assert [(block.line, block.tag, block.content) for block in blocks.read(document)] == [
        (4, "sh", "make train\n"),
        (9, "text", "```\ninner\n"),
        (13, "sh server", "serve\n"),
        (16, "python", "last\n"),
    ]
    assert [line for _, line in blocks.prose(document)] == ["# Title", "", "prose `a`", "- item"]
    assert list(blocks.problems(document)) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("```\nmake\n```\n", "README.md:1: a block must be one of python, sh, .* Received: none"),
        ("a\n```bash\nmake\n```\n", "README.md:2: .* Received: bash"),
        ("```sh accounts\nmake\n```\n", "Received: sh accounts"),
        ("Train:\n\n    make train\n", "README.md:3: a command must stand in a fenced block. Received: make train"),
        ("\n    .venv/bin/python -m trainer.task\n    more\n", "Received: .venv/bin/python"),
        ("- item\n\ntext\n\n    $ ls\n", "README.md:5: .* Received: [$] ls"),
    ],
)
def test_rejects_blocks_that_nothing_would_run(text: str, told: str, tmp_path: Path) -> None:
    (problem,) = blocks.problems(_document(tmp_path, text))
    assert re.search(told, problem), problem


@pytest.mark.parametrize(
    "text", ["\n    <job_dir>/logs/\n", "- item\n\n    make it so\n", "```text\n\n    make train\n```\n"]
)
def test_takes_what_is_no_command(text: str, tmp_path: Path) -> None:
    assert list(blocks.problems(_document(tmp_path, text))) == []
