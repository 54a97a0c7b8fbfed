"""The pictures of the documents can be drawn anew."""

import shutil
import struct
from pathlib import Path

import pytest

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
    assert "a name must be one of hero, tensorboard, train" in capsys.readouterr().err
