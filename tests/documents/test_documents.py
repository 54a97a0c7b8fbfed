"""Every command in every document runs, or needs an account, and then its program takes it."""

import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.documents import blocks, prose
from tests.documents.blocks import Block
from tests.documents.programs import Programs, module_of
from tests.documents.pythons import Pythons
from tests.documents.scratch import ROOT, Scratch
from tests.documents.shell import Shell

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
RUN = [document for document in DOCUMENTS if any(block.tag in blocks.RUN for block in blocks.read(document))]
PROGRAMS = Programs(ROOT)
DOWNLOADED = re.compile(r"--data=(mnist|fashion_mnist|cifar10|cifar100)\b")


def _name(document: Path) -> str:
    return str(document.relative_to(ROOT))


@pytest.mark.slow
@pytest.mark.parametrize("document", RUN, ids=_name)
def test_every_command_runs(document: Path, tmp_path: Path) -> None:
    scratch = Scratch(tmp_path)
    if document.name == "README.md":  # what people type first also shows how each program starts
        Shell(scratch).run(document)
    else:
        with Pythons(scratch.python) as pythons:
            Shell(scratch, pythons=pythons.address).run(document)


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_every_block_says_what_is_done_with_it(document: Path) -> None:
    _expect_none(blocks.problems(document))


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_commands_that_are_not_run_are_taken_by_their_programs(document: Path) -> None:
    _expect_none(f"{block}: {problem}" for block in blocks.read(document) for problem in unfit(block))


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_inline_commands_flags_links_and_pictures_are_there(document: Path) -> None:
    _expect_none(prose.problems(document, PROGRAMS, ROOT))


@pytest.mark.parametrize(
    ("tag", "content", "told"),
    [
        ("sh account", "if", "syntax error"),
        ("sh account", "python -m trainer.study --target=cloud", "must be one of local, vertex"),
        ("sh minutes", "make nothing", "must be a target"),
        ("sh minutes", "sleep 100", "must be a make target or a program of benchmarks"),
        ("sh minutes", "python -m benchmarks.nothing", "must be a program"),
        ("sh minutes", "python -m benchmarks.conv --nothing", "`--nothing` is no flag"),
        ("sh", "python -m trainer.task --data=mnist", "must be `sh download`"),
        ("sh", "make train ARGS='--data=cifar10 --epochs=1'", "must be `sh download`"),
        ("sh image", "docker run trainer --no_such_thing", "must be run by tests/test_image.py"),
    ],
)
def test_rejects_what_could_not_run(tag: str, content: str, told: str) -> None:
    assert any(told in problem for problem in unfit(Block(Path("README.md"), 1, tag, content)))


def _expect_none(problems: Iterable[str]) -> None:
    found = [*problems]
    assert not found, "\n".join(found)


def unfit(block: Block) -> Iterator[str]:
    """Yields what is wrong with a block that can be told without running it."""
    if not block.tag.startswith("sh"):
        return
    checked = subprocess.run(["bash", "-n"], input=block.content, capture_output=True, text=True, check=False)
    if checked.returncode:
        yield checked.stderr
        return
    if block.tag != "sh download" and block.tag in blocks.RUN and DOWNLOADED.search(block.content):
        yield "a block that downloads must be `sh download`"
    for command in filter(None, PROGRAMS.commands(block.content)):
        if not _names_what_the_block_writes(command, block):
            yield from PROGRAMS.problems(command)
        if block.tag == "sh minutes":
            yield from _untried(command)
        if block.tag == "sh image":
            yield from _not_in_the_image_test(block, command)


def _names_what_the_block_writes(command: list[str], block: Block) -> bool:
    """Returns whether the network of a command is in a file that its block writes, which is not there to be read."""
    modules = re.findall(r"^cat > (\w+)\.py\b", block.content, re.MULTILINE)
    return any(word.startswith(f"--model={module}:") for word in command for module in modules)


def _untried(command: list[str]) -> Iterator[str]:
    module = module_of(command)
    if command[0] == "make":
        return
    if not module.startswith("benchmarks."):
        yield f"`{' '.join(command)}` must be a make target or a program of benchmarks/"
    elif not (ROOT / "tests" / "benchmarks" / f"test_{module.split('.')[1]}.py").is_file():
        yield f"`python -m {module}` must be run by a test of tests/benchmarks/"


def _not_in_the_image_test(block: Block, command: list[str]) -> Iterator[str]:
    """Yields a command that tests/test_image.py neither reads from its document nor names by flags or program."""
    test = (ROOT / "tests" / "test_image.py").read_text(encoding="utf-8")
    if command[:2] == ["docker", "run"] and block.document.name == "image.md":
        return  # it runs every such line there
    words = [word.partition("=")[0] for word in command if re.fullmatch(r"--[a-z_]+(=.*)?|trainer\.\w+", word)]
    if not all(word in test for word in words or command[:1]):
        yield f"`{' '.join(command)}` must be run by tests/test_image.py"
