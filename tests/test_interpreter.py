"""What a person can copy."""

from pathlib import Path

import pytest

from trainer import interpreter


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """A file that the shell would start."""
    file = tmp_path / "clone" / ".venv" / "bin" / "python"
    file.parent.mkdir(parents=True)
    file.touch(mode=0o755)
    return file


def test_python_where_the_shell_finds_this_one(python: Path) -> None:
    assert interpreter.word(str(python), python.parents[2], str(python.parent)) == "python"


def test_a_path_where_the_shell_finds_another_or_none(python: Path, tmp_path: Path) -> None:
    other = tmp_path / "bin"
    other.mkdir()
    (other / "python").symlink_to(python)  # as every environment's Python leads to the same file
    for path in (str(other), "", None):
        assert interpreter.word(str(python), python.parents[2], path) == ".venv/bin/python"
        assert interpreter.word(str(python), other, path) == str(python)
