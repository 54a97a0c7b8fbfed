from pathlib import Path

import pytest

from tests.documents import prose
from tests.documents.programs import Programs
from tests.documents.scratch import ROOT

PROGRAMS = Programs(ROOT)


def _problems(folder: Path, text: str) -> list[str]:
    (folder / "README.md").write_text(text)
    (folder / "other.md").write_text('# Other `code`, and *more*\n<a id="task-data"></a>\n## Same\n## Same\n')
    return [*prose.problems(folder / "README.md", PROGRAMS, folder)]


@pytest.mark.parametrize(
    "text",
    [
        "`python -m trainer.task --filters=64` and `.venv/bin/python -m trainer.study --dry_run`, `make train`",
        "`python -m benchmarks.conv`, `python -m tests.gcs.demo --latency=1`, `python -m build`",
        "`--learning-rate`, `--learning_rate=1e-3`, `--dry_run`, `--only=regret`",
        "`gcloud ai custom-jobs create --region=R --unknown=1`",
        "`--unknown`, as in\n```text\ngcloud --unknown\n```",
        "[a](other.md), [b](other.md#other-code-and-more), [c](other.md#same-1), [d](other.md#task-data), `[e](f)`",
        "[a](https://example.com/#b) ![here](README.md) [self](#title)\n# Title",
    ],
)
def test_takes_what_is_there(text: str, tmp_path: Path) -> None:
    assert _problems(tmp_path, text) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a\n`python -m trainer.tusk`", "README.md:2: `python -m trainer.tusk` must name a program of this project"),
        ("`make tea`", "README.md:1: `make tea` must be a target of the Makefile"),
        ('`make train ARGS="--filtrs=1"`', '`ARGS=--filtrs=1`: `--filtrs` is no flag'),
        ("`--filtrs=64`", "README.md:1: `--filtrs=64`: `--filtrs` is no flag"),
        ("`python -m trainer.task --filtrs=64`", "`--filtrs` is no flag"),
        ("[a](nowhere.md)", "the link must lead to a file of this project. Received: nowhere.md"),
        ("![a](../nowhere.png)", "Received: ../nowhere.png"),
        ("[a](other.md#sama)", "the link must lead to a heading or an anchor of other.md. Received: other.md#sama"),
        ("[a](#nothing)", "Received: #nothing"),
        ('<img src="a.png">', "Received: a.png"),
    ],
)  # fmt: skip
def test_rejects_what_leads_nowhere(text: str, told: str, tmp_path: Path) -> None:
    (problem,) = _problems(tmp_path, text)
    assert told in problem
