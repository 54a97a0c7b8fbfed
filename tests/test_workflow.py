"""The workflow does what a person would type, and only what exists."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"

pytestmark = pytest.mark.skipif(not WORKFLOW.exists(), reason="a source distribution has no workflow")


def _read() -> dict[str, Any]:
    return yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))


def _steps() -> Iterator[dict[str, Any]]:
    for workflow in sorted(WORKFLOW.parent.glob("*.yml")):
        for job in yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"].values():
            yield from job["steps"]


def _targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("command", [line for step in _steps() for line in step.get("run", "").splitlines()])
def test_its_commands_exist(command: str) -> None:
    program, *arguments = shlex.split(re.sub(r"\$\{\{.*?\}\}", "value", command))
    if program == "make":
        assert {word for word in arguments if "=" not in word} <= _targets()
        for file in re.findall(r"tests/\S+\.py", command):
            assert (ROOT / file).is_file()
    elif program == "bash":
        assert (ROOT / arguments[0]).is_file()
        for line in re.findall(r"^make (\S+)", (ROOT / arguments[0]).read_text(encoding="utf-8"), re.MULTILINE):
            assert line in _targets()
    else:
        assert (program, arguments[0]) == ("docker", "run")


def test_checks_a_change_by_the_linters_and_all_tests() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert re.findall(r"^make (.*)$", script, re.MULTILINE) == ["lint", "test", "test-slow"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.findall(r"^(?:FAST|SLOW) :=.* -m (.+)$", makefile, re.MULTILINE) == ["'not slow'", "slow"]


def test_tests_each_python_that_setup_names() -> None:
    named = re.findall(r"Python :: (3\.\d+)", (ROOT / "setup.py").read_text(encoding="utf-8"))
    assert _read()["jobs"]["test"]["strategy"]["matrix"]["python"] == named


def test_tests_the_sets_at_both_ends() -> None:
    compatibility = pytest.importorskip("tests.compatibility")
    for row in _read()["jobs"]["compatibility"]["strategy"]["matrix"]["include"]:
        assert compatibility.SETS[row["set"]].python == row["python"]


def test_may_read_and_no_more_and_ends() -> None:
    workflow = _read()
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["concurrency"]["group"]
    for job in workflow["jobs"].values():
        assert "permissions" not in job
        assert 0 < job["timeout-minutes"] <= 120


def test_takes_actions_of_a_major_version() -> None:
    for action in (step["uses"] for step in _steps() if "uses" in step):
        assert re.fullmatch(r"actions/[a-z-]+@v\d+", action), action
