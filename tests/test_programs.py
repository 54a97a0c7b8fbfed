"""The list of programs."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from trainer import __main__ as programs

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_lists_every_program_with_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert programs.main(arguments, "python") == 0
    said = capsys.readouterr().out
    for name in programs.PROGRAMS:
        (line,) = [line for line in said.splitlines() if line.startswith(f"  trainer.{name} ")]
        assert len(line) <= 80


def test_the_list_is_complete() -> None:
    started = {
        path.parent.name if path.name == "__main__.py" else path.stem
        for path in (ROOT / "trainer").rglob("*.py")
        if '\nif __name__ == "__main__":' in path.read_text()
    } - {"trainer", "task_server"}  # the list itself, and what a study starts
    assert started == set(programs.PROGRAMS)
    assert all(importlib.util.find_spec(f"trainer.{name}") for name in programs.PROGRAMS)


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (["predict", "--model=a b"], "python -m trainer.predict '--model=a b'"),
        (["--epochs=3"], "python -m trainer.task --epochs=3"),
    ],
)
def test_an_argument_is_answered_by_the_command_that_was_meant(
    words: list[str], command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert programs.main(words, "python") == 2
    assert capsys.readouterr().err.splitlines()[-1].strip() == command


def test_needs_no_tensorflow() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "trainer"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "trainer.task" in done.stdout
    assert " tensorflow" not in done.stderr
