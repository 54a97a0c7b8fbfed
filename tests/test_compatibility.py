"""What `make compatibility` picks, and what it refuses; the sets themselves take minutes each."""

import re
import sys
from pathlib import Path

import pytest

from tests import compatibility

ROOT = Path(__file__).parents[1]


def test_finds_an_interpreter_behind_ones_that_are_none(tmp_path: Path) -> None:
    refusal = tmp_path / "python"
    refusal.write_text("#!/bin/sh\nexit 127\n")
    refusal.chmod(0o755)
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    paths = [str(tmp_path / "absent"), str(refusal), sys.executable]
    assert compatibility.interpreter(own, paths) == sys.executable
    assert compatibility.interpreter("2.6", paths) is None


def test_the_sets_stand_at_the_ends_of_what_setup_allows() -> None:
    setup = (ROOT / "setup.py").read_text(encoding="utf-8")
    named = re.findall(r"Python :: (3\.\d+)", setup)
    assert compatibility.SETS["oldest"].python == named[0]
    assert compatibility.SETS["newest"].python == named[-1]


@pytest.mark.parametrize("sets", ["", "older", "oldest,older"])
def test_rejects_what_is_no_set(sets: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        compatibility.main([f"--sets={sets}"])
    assert ended.value.code == 2
    assert f"Received: {sets}" in capsys.readouterr().err


def test_rejects_a_set_whose_python_is_not_here(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(compatibility, "candidates", lambda version: ())
    with pytest.raises(SystemExit):
        compatibility.main(["--sets=newest"])
    assert "`newest` needs Python 3.13" in capsys.readouterr().err
