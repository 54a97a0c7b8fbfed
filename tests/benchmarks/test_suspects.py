from pathlib import Path

import pytest

from benchmarks import suspects
from tests import forked


@pytest.mark.slow
def test_prints_its_tables(idx_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # The list of a network that has learned nothing may have any sample: some are left in a large validation part.
    base = ["epochs=1", "filters=2", "batch_size=4", "validation_split=0.4"]
    suspects.main([f"--data={idx_folder}", "--folds=2", "--share=0.2", "--base", *base], forked.Popen)
    head, first, *rows = capsys.readouterr().out.splitlines()
    assert "wrong labels in 1 draws; lists of" in head
    assert first.startswith("precision of the first")
    assert rows[0].split()[0] == "trainer"
    assert [row.split()[0] for row in rows[-3:]] == ["all", "--drop=suspects.csv", "all"]
