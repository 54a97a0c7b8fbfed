from pathlib import Path

import pytest

from benchmarks import best_after
from tests import forked


@pytest.mark.slow
def test_prints_its_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # AutoKeras is not installed here, and any Python without it gives the same row.
    words = ["--minutes=0.75", "--seeds=1", "--only", "digits", "--flags", "epochs=1", "log_images=never", "report=no"]
    best_after.main(words, forked.Popen)
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split() == ["took", "trials", "validation", "test"]
    assert [row.split("  ")[0] for row in rows] == [
        f"digits: {name}" for name in ("trainer.study", "trainer.task", "AutoKeras")
    ]
    assert all("%" in row for row in rows[:2])
    assert "left out: ModuleNotFoundError: No module named 'autokeras'" in rows[2]
