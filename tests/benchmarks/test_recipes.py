from pathlib import Path

import pytest

from benchmarks import recipes
from tests import forked


@pytest.mark.slow
def test_prints_its_table(idx_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = ["epochs=1", "filters=2", "batch_size=9"]
    arguments = [f"--data={idx_folder}", "--folds=3", "--only=1", "--base", *small, "--parts", "mixup=0.2,erase=0.5"]
    recipes.main(arguments, forked.Popen)
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["accuracy", "to", "base", "seconds", "each", "fold"]
    assert [row.split()[0] for row in rows] == ["base", "recipe=plain", "mixup=0.2,erase=0.5"]
    assert rows[0].split()[3] == "+0.00"
