"""What is said before a program begins, by Python, make and TensorFlow too; made by the real ones."""

import functools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents.provoking import Provocation
from tests.documents.scratch import ROOT


def _python(*arguments: str) -> Provocation:
    """Runs a Python that has nothing installed, and returns the last line that it says."""

    def provoke(folder: Path) -> str:
        command = [sys.executable, "-I", "-S", *arguments]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        return done.stderr.splitlines()[-1].removeprefix(f"{sys.executable}: ").removeprefix("trainer.serve: ")

    return provoke


_FOUND = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"


def _bare(call: str) -> Provocation:
    program = f"{_FOUND}try:\n    {call}\n"
    return _python("-c", f"{program}except ValueError as error:\n    sys.exit(str(error))")


@functools.cache
def _chatter() -> str:
    """Returns what TensorFlow says where nothing holds it back."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    command = [sys.executable, "-c", "import tensorflow"]
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=True).stderr


def _tensorflow(start: str) -> Provocation:
    def provoke(folder: Path) -> str:
        found = re.search(f"{re.escape(start)}.*", _chatter())
        if not found:
            pytest.skip("TensorFlow has found other hardware here")
        return found[0]

    return provoke


def _make(folder: Path) -> str:
    command = ["make", f"VENV={folder}/new", "PYTHON=false", f"{folder}/new/bin/pip"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stderr.splitlines()[0]


PROVOCATIONS: dict[str, Provocation] = {
    "make": _make,
    "no trainer": _python("-m", "trainer.task"),
    "no trainer, imported": _python("-c", "import trainer"),
    "no uvicorn": _python("-c", f"{_FOUND}from trainer import serve; serve.main(['--model=m'], {{}})"),
    "no aiplatform": _bare("from trainer.study.vertex import service; service.connect('r', {})"),
    "no storage": _bare("from trainer.buckets.objects import client; client.connect(1)"),
    "oneDNN": _tensorflow("oneDNN custom"),
    "GPU": _tensorflow("Could not find cuda"),
    "instructions": _tensorflow("This TensorFlow binary"),
}
