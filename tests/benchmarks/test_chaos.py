import pytest

from benchmarks import chaos
from tests import forked


@pytest.mark.slow
@pytest.mark.parametrize("machines", [1, 2])
def test_killed_runs_and_a_damaged_checkpoint_end_in_the_same_state(
    machines: int, capsys: pytest.CaptureFixture[str]
) -> None:
    small = ["--kills=2", "--damages=1", "--epochs=4"]
    status = chaos.main([*small, f"--machines={machines}"], forked.Popen)
    output = capsys.readouterr().out
    assert status == 0, output
    assert "mismatches                                    0" in output
    assert "unexpected" not in output
