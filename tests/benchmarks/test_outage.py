import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_what_was_trained_while_the_bucket_was_away_lands() -> None:
    command = [sys.executable, "-m", "benchmarks.outage", "--minutes=0.1"]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the bucket holds all" in done.stdout
