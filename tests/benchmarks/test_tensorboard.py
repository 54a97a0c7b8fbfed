import pytest

from benchmarks import tensorboard
from tests import forked


@pytest.mark.slow
def test_prints_what_each_adds_and_has(capsys: pytest.CaptureFixture[str]) -> None:
    tensorboard.main(["--epochs=1", "--filters=5", "--rounds=1", "--uncounted=0"], forked.Popen)
    output = capsys.readouterr().out
    assert output.startswith("ours: adds ")
    for dashboard in ("Graphs: operations", "Images: every convolution", "Projector", "PR Curves", "HParams"):
        assert f"{dashboard:<34}ours yes    Keras no" in output, output
