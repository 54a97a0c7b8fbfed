"""How Python may be started."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def _python(*words: str, cwd: Path = ROOT) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, *words]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def test_inside_the_package_s_folder_other_packages_are_themselves() -> None:
    program = "import trainer, tensorboard, importlib.util as u; print(tensorboard.__file__, u.find_spec('serving'))"
    done = _python("-c", program, cwd=ROOT / "trainer")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("site-packages/tensorboard/__init__.py None\n")
    done = _python("-m", "trainer.task", "--epochs=x", cwd=ROOT / "trainer")
    assert (done.returncode, done.stderr) == (
        2,
        "trainer: `--epochs` must be auto, or a whole number of at least 0. Received: x\n",
    )


def test_without_docstrings_and_assertions_everything_has_its_help() -> None:
    for module in ("task", "study", "predict", "evaluate", "serve", "local_cluster"):
        done = _python("-OO", "-m", f"trainer.{module}", "--help")
        assert (done.returncode, done.stderr) == (0, ""), module
        assert "--" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("module", ["data", "tensorboard"])  # which import more
def test_and_so_have_those_that_take_longer(module: str) -> None:
    done = _python("-OO", "-m", f"trainer.{module}", "--help")
    assert done.returncode == 0, done.stderr
