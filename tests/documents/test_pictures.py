"""The pictures of the documents can be drawn again, and show what the current code draws."""

import shutil
import struct
from pathlib import Path

import pytest

from docs.pictures import accuracy, sources
from docs.pictures.__main__ import main


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("tmux") is None, reason="no tmux on PATH")
def test_draws_from_real_runs(tmp_path: Path) -> None:
    assert main(["hero", "train", f"--to={tmp_path}", "--epochs=1"]) == 0
    header = (tmp_path / "hero.png").read_bytes()[16:24]
    assert struct.unpack(">II", header)[0] == 1600
    terminal = (tmp_path / "train.svg").read_text().replace("&#160;", " ")
    assert "trainer.task" in terminal and "test accuracy 9" in terminal
    assert "/tmp" not in terminal and "http://www.w3.org" in terminal and "cdnjs" not in terminal


def test_names_what_it_cannot_draw(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["nothing"])
    assert "a name must be one of hero, tensorboard, accuracy, train" in capsys.readouterr().err


@pytest.mark.parametrize("picture", sources.SOURCES)
def test_every_picture_is_current_with_its_source(picture: str) -> None:
    changed = sources.changed(picture)
    again = f"run `python -m docs.pictures {picture}`, with `--accept` if it looks the same"
    assert not changed, f"{', '.join(changed)} changed since {picture} was drawn; {again}"


def test_the_picture_of_accuracies_has_the_points_of_the_table(tmp_path: Path) -> None:
    row = "| `b` | 99.00 % (98.5 to 99.25) | 2.5 s, 2 times |"
    table = f"\n## Accuracy\n\n| `b` x, 5 seeds | mean | median |\n|---|---|---|\n{row}\n"
    assert accuracy.measured(table) == [accuracy.Measured("b", 99.0, 98.5, 99.25, 2.5)]
    with pytest.raises(ValueError, match="must have a table"):
        accuracy.measured("\n## Accuracy\n\nNothing.\n\n## Other\n| a | 99.00 % | 2.5 s |\n")
    rows = accuracy.measured(accuracy.PAGE.read_text(encoding="utf-8"))
    assert len(rows) >= 2
    accuracy.draw(rows, tmp_path / "a.svg")
    drawn = [(tmp_path / "a.svg").read_text(), (sources.RECORD.parent / "accuracy.svg").read_text()]
    for row in rows:
        texts = (row.name, f"{row.accuracy:.2f} % in {row.seconds:.1f} s")
        assert all(text in one for one in drawn for text in texts), "run `python -m docs.pictures accuracy`"


@pytest.mark.parametrize(
    ("source", "same"),
    [
        ('"""Other."""\nx = 1  # more\n\n\ndef f():\n    """Words."""\n    return "a"\n', True),
        ('x = 1\ndef f():\n    return "b"\n', False),
        ('x = 2\ndef f():\n    return "a"\n', False),
    ],
)
def test_words_do_not_change_a_digest(source: str, same: bool) -> None:
    assert (sources.digest(source) == sources.digest('x = 1\ndef f():\n    return "a"\n')) is same


def test_every_picture_has_sources() -> None:
    drawn = {path.stem for path in sources.RECORD.parent.glob("*.svg")} | {"hero", "tensorboard"}
    assert drawn == {*sources.SOURCES}
