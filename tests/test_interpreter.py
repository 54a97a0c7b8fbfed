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


def test_an_extra_is_installed_without_replacing_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert interpreter.install("serve", tmp_path).endswith(" -m pip install 'convolution-trainer[serve]'")
    (tmp_path / "setup.py").touch()
    assert interpreter.install("serve", tmp_path).endswith(" -m pip install --editable '.[serve]'")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert interpreter.install("serve", tmp_path).endswith(f" -m pip install --editable '{tmp_path}[serve]'")


def test_the_distribution_has_the_name_that_advice_gives() -> None:
    setup = (Path(__file__).parents[1] / "setup.py").read_text(encoding="utf-8")
    assert f'name="{interpreter.DISTRIBUTION}",' in setup


def test_no_message_installs_somebody_elses_package() -> None:
    root = Path(__file__).parents[1]
    for path in (*(root / "trainer").rglob("*.py"), *(root / "docs").glob("*.md"), root / "README.md"):
        assert "install trainer" not in path.read_text(encoding="utf-8")
        assert "trainer[" not in path.read_text(encoding="utf-8").replace("convolution-trainer[", "")
