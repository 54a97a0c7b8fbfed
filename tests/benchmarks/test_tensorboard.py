import sys

import pytest

from benchmarks import tensorboard


@pytest.mark.slow
def test_prints_what_each_adds_and_has(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["tensorboard", "--epochs=1", "--filters=5", "--rounds=1"])
    tensorboard.main()
    output = capsys.readouterr().out
    assert output.startswith("ours: adds ")
    for dashboard in ("Graphs: operations", "Images: every convolution", "Projector", "PR Curves", "HParams"):
        assert f"{dashboard:<34}ours yes    Keras no" in output, output
