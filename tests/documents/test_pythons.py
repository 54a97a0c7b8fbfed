"""A forked `python` is to a document's shell what the real one is."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documents.pythons import Pythons
from tests.documents.scratch import Scratch
from tests.documents.shell import BlockError, Shell

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    scratch = Scratch(tmp_path_factory.mktemp("scratch"))
    # In place of a program that the documents name, for those say less of themselves.
    (scratch.repository / "trainer" / "predict.py").write_text(
        "import os, signal, sys, trainer\n"
        "assert 'tensorflow' in sys.modules and sys.executable.endswith('.venv/bin/python')\n"
        "print(__name__, sys.argv[1:], os.getcwd(), os.environ['A'], trainer.__file__, sys.stdin.read(), flush=True)\n"
        "if sys.argv[1] == 'wait': print(os.getpid(), file=open('waiting', 'w')); signal.pause()\n"
        "if sys.argv[1] == 'kill': os.kill(os.getpid(), signal.SIGKILL)\n"
        "sys.exit(int(sys.argv[1]))\n"
    )
    with Pythons(scratch.python) as pythons:
        yield Shell(scratch, 120.0, pythons.address)


def _run(shell: Shell, folder: Path, content: str, tag: str = "sh") -> None:
    document = folder / "README.md"
    document.write_text(f"# Title\n```{tag}\n{content}\n```\n")
    shell.run(document)


def test_has_its_arguments_environment_folder_and_streams_and_the_modules_of_the_copy(
    shell: Shell, tmp_path: Path
) -> None:
    expected = "__main__ ['0', 'a b'] $PWD/photos 1 $PWD/trainer/__init__.py given"
    _run(
        shell,
        tmp_path,
        f'said=$(cd photos; echo given | A=1 python -m trainer.predict 0 "a b")\ntest "$said" = "{expected}"',
    )


def test_its_status_is_the_commands(shell: Shell, tmp_path: Path) -> None:
    _run(shell, tmp_path, "export A=\nstatus=0; python -m trainer.predict 7 || status=$?; test $status = 7")
    _run(shell, tmp_path, "export A=\nstatus=0; python -m trainer.predict kill || status=$?; test $status = 137")


@pytest.mark.parametrize(("signal", "status"), [("TERM", 143), ("INT", 130), ("KILL", 137)])
def test_gets_the_signals_of_the_command(signal: str, status: int, shell: Shell, tmp_path: Path) -> None:
    _run(
        shell,
        tmp_path,
        "export A=\nset -m\nmkfifo waiting\n"
        "python -m trainer.predict wait & process=$!\nread own < waiting\nrm waiting\n"
        f"kill -{signal} $process; status=0; wait $process || status=$?; test $status = {status}",
    )


def test_a_block_of_python_is_forked_too_and_an_error_has_its_line(shell: Shell, tmp_path: Path) -> None:
    _run(shell, tmp_path, "import sys\nassert 'tensorflow' in sys.modules", tag="python")
    with pytest.raises(BlockError, match='README.md", line 4'):
        _run(shell, tmp_path, "a = 1\nraise ValueError(a)", tag="python")


def test_nothing_outlives_its_block(shell: Shell, tmp_path: Path) -> None:
    _run(
        shell,
        tmp_path,
        "export A=\nmkfifo waiting\npython -m trainer.predict wait &\nread own < waiting\necho $own > own",
    )
    _run(shell, tmp_path, "timeout 60 tail --pid=$(cat own) -f /dev/null")
