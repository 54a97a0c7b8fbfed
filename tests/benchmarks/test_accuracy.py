from pathlib import Path

import pytest

from benchmarks import accuracy
from tests import forked


@pytest.mark.slow
def test_prints_its_table(idx_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = ["epochs=1", "filters=2", "batch_size=9"]
    accuracy.main([f"--data={idx_folder}", "--seeds=1", "--epochs=1", "--ours", *small], forked.Popen)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines[-3:]] == ["plain Keras", "--recipe=plain", "trainer"]
