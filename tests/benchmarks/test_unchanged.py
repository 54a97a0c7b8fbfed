from pathlib import Path

import pytest

from benchmarks.unchanged import __main__ as unchanged

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_tree_is_the_same_as_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert unchanged.main([f"--before={ROOT}", f"--after={ROOT}", "--only=help"]) == 0
    *_, line = capsys.readouterr().out.splitlines()
    assert line.startswith("help")
    assert "same" in line
