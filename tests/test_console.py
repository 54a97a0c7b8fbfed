"""Programs in a locale that is not UTF-8, as a minimal container or an old terminal has."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from trainer import console

ROOT = Path(__file__).parents[1]
NOT_UTF8 = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
_SLOW = ("task", "predict", "serve", "data")  # they load TensorFlow before they can say what is wrong
PROGRAM = """
import os, sys
from trainer import console
console.prepare()
print(os.listdir(b"."), os.listdir("."), sys.argv[1:])
print("\\U0001f426 \\udce9", file=sys.stderr)
"""


def _run(folder: Path, *words: str | bytes, **variables: str) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    return subprocess.run([sys.executable, *words], cwd=folder, env=environment, capture_output=True, check=False)


@pytest.mark.parametrize(
    "variables", [{}, NOT_UTF8, {"PYTHONIOENCODING": "ascii"}, {**NOT_UTF8, "PYTHONIOENCODING": "latin-1"}]
)
def test_names_are_utf8_and_printing_never_fails(tmp_path: Path, variables: dict[str, str]) -> None:
    (tmp_path / "猫").mkdir()
    done = _run(tmp_path, "-c", PROGRAM, "猫".encode(), b"\xe9", **variables)
    assert done.returncode == 0, done.stderr
    names, listed, *words = eval(f"[{done.stdout.decode(errors='surrogateescape').replace('] [', '], [')}]")
    assert names == ["猫".encode()]
    shown = "猫" if "PYTHONIOENCODING" not in variables else "\\u732b"
    assert listed == [shown] or listed == ["猫"]
    assert len(words[0]) == 2
    assert done.stderr


@pytest.mark.parametrize(
    ("words", "encoding", "arguments"),
    [
        (["python", "-m", "trainer.task", "--data=d"], "utf-8", []),
        (["python", "-m", "trainer.task", "--data=d"], "ascii", ["-X", "utf8", "-m", "trainer.task", "--data=d"]),
        (["python", "-u", "-m", "trainer.task"], "iso8859-1", ["-X", "utf8", "-u", "-m", "trainer.task"]),
        (["python", "-X", "utf8", "-m", "trainer.task"], "ascii", []),
    ],
)
def test_starts_anew_once(words: list[str], encoding: str, arguments: list[str]) -> None:
    assert console.in_utf8(words, encoding) == arguments


@pytest.mark.parametrize(
    "program",
    ["study", "tensorboard", "local_cluster", *(pytest.param(name, marks=pytest.mark.slow) for name in _SLOW)],
)
def test_every_program_says_what_is_wrong_on_any_console(tmp_path: Path, program: str) -> None:
    """The name on the line is one that the console cannot show."""
    wrong = {
        "task": ["--data=猫"],
        "data": ["--data=猫", "--to=x"],
        "study": ["--config=猫"],
        "tensorboard": ["--logdir=~猫"],
        "local_cluster": ["--workers=猫"],
    }.get(program, ["--model=猫", "--port=0"] if program == "serve" else ["--model=猫", "x.png"])
    done = _run(tmp_path, "-m", f"trainer.{program}", *wrong, **NOT_UTF8, PYTHONIOENCODING="ascii")
    assert done.returncode == 2
    assert b"\\u732b" in done.stderr
    assert b"Traceback" not in done.stderr
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize(("columns", "expected"), [("80", 80), ("200", 100), ("20", 40), ("", 100)])
def test_width_of_the_terminal(columns: str, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert console.width(100) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("short", "short"),
        ("two lines\n\n  of words that break", "two lines\n\n  of words that\n  break"),
        ("a-hyphen and/a/path/stay-whole", "a-hyphen\nand/a/path/stay-whole"),
        ("  p -m trainer.x --a=b --c=d", "  p -m \\\n      trainer.x \\\n      --a=b \\\n      --c=d"),
    ],
)
def test_lines_break_between_words(text: str, expected: str) -> None:
    assert console.flowed(text, 16) == expected
