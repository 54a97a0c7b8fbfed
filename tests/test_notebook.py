"""What a notebook finds after `notebook.start()`."""

import datetime
import os
import subprocess
import sys
import warnings
from pathlib import Path

import matplotlib as mpl
import pytest
import tensorflow as tf

from trainer import notebook

NOW = datetime.datetime(2030, 1, 2, 3, 4, 5)


@pytest.fixture(autouse=True)
def _restored(monkeypatch: pytest.MonkeyPatch):
    """Restores what a notebook changes of its process."""
    for name in ("PATH", "PYTHONPATH", "FOLDER", "COLUMNS", "FORCE_COLOR"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    monkeypatch.setattr(sys, "path", [*sys.path])
    level = tf.get_logger().level
    with mpl.rc_context(), warnings.catch_warnings():
        yield
    tf.get_logger().setLevel(level)


@pytest.mark.parametrize("where", [".", "notebooks"])
def test_starts_in_the_root(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / where)
    folder = notebook.start(NOW)
    assert Path.cwd() == tmp_path
    assert folder == Path("runs/notebook-20300102-030405")
    assert folder.is_dir()


def test_two_that_start_at_the_same_time_have_two_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = [notebook.start(NOW).name for _ in range(3)]
    assert names == ["notebook-20300102-030405", "notebook-20300102-030405-2", "notebook-20300102-030405-3"]


def test_commands_find_the_python_the_folder_and_its_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FORCE_COLOR", "1")
    folder = notebook.start(NOW)
    (folder / "nets.py").write_text("answer = 42\n")
    script = 'echo "$FOLDER $COLUMNS $FORCE_COLOR"; command -v python; python -c "import nets; print(nets.answer)"'
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    python = Path(sys.executable).with_name("python")
    assert done.stdout.splitlines() == [f"{folder} 110 ", str(python), "42"]
    monkeypatch.delitem(sys.modules, "nets", raising=False)
    assert __import__("nets").answer == 42
