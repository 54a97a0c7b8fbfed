import sys

import pytest

from benchmarks import checkpoint


@pytest.mark.slow
def test_prints_its_table(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["checkpoint", "--epochs=4", "--steps=2"])
    checkpoint.main()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert lines[0].startswith("training thread, each save")
    assert lines[-1].endswith("% of the run")
