"""Every notebook runs from top to bottom as a person would run it, and is committed without what that leaves."""

import ast
import asyncio
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
import uuid
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.documents import words

ROOT = Path(__file__).parents[1]
NEEDED = {"7_volumes": "nilearn"}  # a package that one notebook alone needs
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SECONDS = 600  # for all of a notebook; on two cores that nobody shares, each takes up to a minute

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:jupyter_client", "ignore::DeprecationWarning:zmq")
each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
FIRST_SCREEN = 28  # lines of text and code above the first picture: with its head, 900 pixels in JupyterLab
MOST_SETUP = 6  # lines of imports and preparation before the lesson
LONGEST = 30  # words of a sentence
MOST_LINES = 10  # of a function; a longer one is in the package, where it is tested


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Returns what a notebook finds around it, in a copy: whatever it writes is not in the repository."""
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks", ignore=shutil.ignore_patterns("runs", ".*"))
    shutil.copy(ROOT / "config.yaml", tmp_path)
    return tmp_path


def run(notebook: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """Runs a notebook's cells in a folder, checks that no process outlives it, and returns it with its outputs."""
    mark = f"TRAINER_NOTEBOOK={uuid.uuid4().hex}"  # which all that it starts has, too
    name, _, value = mark.partition("=")
    around = {**os.environ, "PYTHONPATH": str(ROOT), name: value}
    client = NotebookClient(notebook, timeout=SECONDS, resources={"metadata": {"path": str(folder)}})

    asyncio.run(asyncio.wait_for(client.async_execute(env=around), SECONDS))
    assert not left_behind(mark)
    return notebook


def left_behind(mark: str, patience: float = 60.0) -> list[str]:
    """Returns the command lines of living processes that have a mark, once they have had time to end.

    On a system without /proc it finds none.
    """
    end = time.monotonic() + patience
    while (found := marked(mark)) and time.monotonic() < end:
        time.sleep(0.1)
    return found


def marked(mark: str) -> list[str]:
    lines = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (process / "environ").read_bytes().split(b"\0"):  # empty once it has ended
                lines.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:  # it has ended, or is not ours
            continue
    return lines


def outputs(notebook: nbformat.NotebookNode, kind: str) -> list[nbformat.NotebookNode]:
    """Returns all outputs of a kind."""
    return [output for cell in notebook.cells for output in cell.get("outputs", []) if output.output_type == kind]


@each
@pytest.mark.slow
def test_runs(path: Path, folder: Path) -> None:
    needed = NEEDED.get(path.stem)
    if needed and not importlib.util.find_spec(needed):
        pytest.skip(f"{needed} is not installed; make installs it")
    notebook = run(nbformat.read(path, as_version=4), folder / "notebooks")  # where Jupyter starts it
    streams = outputs(notebook, "stream")
    assert not [stream.text for stream in streams if stream.name == "stderr"]
    # Warnings, and the codes that move a terminal's cursor, may come with what programs print.
    assert not [stream.text for stream in streams if re.search(r"Warning|\x1b\[", stream.text)]
    shown = [output.data for output in outputs(notebook, "display_data")]
    assert any("image/png" in data for data in shown)
    boards = sum("\n%tensorboard" in cell.source for cell in notebook.cells)
    assert sum("<iframe" in data.get("text/html", "") for data in shown) == boards


def code_of(path: Path) -> list[str]:
    """Returns the Python code of each cell, without magics."""
    cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    return [re.sub(r"(?m)^%.*$", "", cell) for cell in cells if not cell.startswith("%%")]


def texts_of(path: Path) -> list[str]:
    return [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]


@each
def test_opens_with_a_picture(path: Path) -> None:
    text, code, *_ = nbformat.read(path, as_version=4).cells
    assert (text.cell_type, code.cell_type) == ("markdown", "code")
    assert re.search(r"(?m)^(plots\.|plt\.show)", code.source)
    lines = [line for line in code.source.splitlines() if line]
    shown = sum(max(1, -(-len(line) // 110)) for line in text.source.splitlines() if line)
    assert shown + len(lines) <= FIRST_SCREEN
    setup = [line for line in lines if re.match(r"import |from |folder = notebook\.start|plots\.style", line)]
    assert len(setup) <= MOST_SETUP
    assert ("notebook.start()" in code.source) == ("%%bash" in path.read_text(encoding="utf-8"))


@each
def test_says_how_to_open_it(path: Path) -> None:
    install = "`pip install --editable '.[notebooks]'`"
    assert f"Open this notebook with `make notebooks`, or with {install} and then `jupyter lab`." in texts_of(path)[0]


@each
def test_has_short_functions_only(path: Path) -> None:
    functions = [node for node in ast.walk(ast.parse("\n".join(code_of(path)))) if isinstance(node, ast.FunctionDef)]
    lines = {node.name: (node.end_lineno or 0) - node.lineno + 1 for node in functions}
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}


@each
def test_is_in_plain_words(path: Path, tmp_path: Path) -> None:
    document = tmp_path / f"{path.stem}.md"
    texts = re.sub(r"(?m)^> .*$", "", "\n\n".join(texts_of(path)))  # without formulas
    document.write_text(texts, encoding="utf-8")
    assert [*words.forbidden(document)] == []
    assert [sentence for sentence in words.sentences(document) if words.length(sentence) > LONGEST] == []


@each
def test_formulas_need_no_script(path: Path) -> None:
    """Viewers without network access, such as HTML by nbconvert, show LaTeX as it is written."""
    assert [text for text in texts_of(path) if re.search(r"\$[^`]*\$|\\[(\[]", re.sub(r"`[^`]*`", "", text))] == []


@each
def test_code_has_no_errors(path: Path, tmp_path: Path) -> None:
    """As ruff finds them: undefined names, unused variables, long lines."""
    (tmp_path / "code.py").write_text("\n".join(code_of(path)) + "\n", encoding="utf-8")
    ruff = [Path(sys.executable).with_name("ruff"), "check", "--isolated", "--no-cache", "--line-length=120"]
    rules = ["--select=F,E501", "--ignore=F401"]  # layers are imported for Keras, which looks them up by name
    done = subprocess.run([*ruff, *rules, "code.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@each
def test_imports_what_is_there(path: Path) -> None:
    for node in ast.walk(ast.parse("\n".join(code_of(path)))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "trainer":
            exec(ast.unparse(node), {})


@each
def test_is_committed_without_outputs(path: Path) -> None:
    for cell in nbformat.read(path, as_version=4).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
        assert not cell.metadata


@each
def test_is_committed_without_traces_of_a_machine(path: Path) -> None:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert notebook["metadata"] == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    assert not re.search(r"/(home|root|tmp|work|Users)/", path.read_text(encoding="utf-8"))
    assert not re.search(r"\b20\d\d-?[01]\d-?[0-3]\d\b", path.read_text(encoding="utf-8"))


@each
def test_has_names_for_its_cells(path: Path) -> None:
    """Jupyter gives random ones to a cell that has none, and so changes the file."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    names = [cell.id for cell in notebook.cells]
    assert len(set(names)) == len(names)
    assert not [name for name in names if re.fullmatch("[0-9a-f-]{8,}", name)]


@each
def test_leads_to_what_is_there(path: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)[^):]*\)", "\n".join(texts_of(path)))
    assert [target for target in targets if not (path.parent / target).exists()] == []
