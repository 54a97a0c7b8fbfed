import sys

import pytest

from benchmarks import killed_studies
from benchmarks.trial_records import Recorded, wrong
from tests import forked


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="it finds processes in /proc")
@pytest.mark.parametrize("of", ["study", "shared"])
def test_a_killed_study_loses_nothing(of: str, capsys: pytest.CaptureFixture[str]) -> None:
    small = ["--kills=1", "--trials=1", "--epochs=1", "--longest=4"]
    status = killed_studies.main([f"--of={of}", *small], forked.Popen)
    output = capsys.readouterr().out
    assert status == 0, output
    assert "study 1, 1 trials: nothing wrong" in output
    assert "1 kills in 1 studies; lost, changed, doubled or suggested twice: 0" in output


def test_finds_what_is_wrong() -> None:
    one, two = Recorded({"filters": 2}, "SUCCEEDED", 0.5), Recorded({"filters": 4}, "ACTIVE", None)
    assert list(wrong({1: one, 2: two}, {1: one, 2: two})) == []
    assert list(wrong({1: one, 2: two}, {1: one})) == ["lost: trial 2"]
    assert list(wrong({2: two}, {2: Recorded({"filters": 8}, "ACTIVE", None)})) == [
        "changed: the parameters of trial 2"
    ]
    assert list(wrong({1: one}, {1: Recorded({"filters": 2}, "SUCCEEDED", 0.6)})) == ["changed: the result of trial 1"]
    assert list(wrong({}, {1: one, 2: one})) == ['suggested 2 times: {"filters": 2}']
