import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.parametrize("machines", [1, 2])
def test_killed_runs_and_a_damaged_checkpoint_end_in_the_same_state(machines: int) -> None:
    command = [sys.executable, "-m", "benchmarks.chaos", "--kills=2", "--damages=1", f"--machines={machines}"]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "mismatches                                    0" in done.stdout
    assert "unexpected" not in done.stdout
