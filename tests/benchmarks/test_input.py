import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_prints_its_tables() -> None:
    tiny = ["--images=448", "--rounds=1", "--memory_images=640", "--filters=2"]
    command = [sys.executable, "-m", "benchmarks.input", *tiny]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    names = [line.split("  ")[0] for line in done.stdout.splitlines()]
    assert names[:3] == ["peak memory,", "peak memory,", "all / a tenth"]
    assert names[3].startswith("448 JPEGs of 224 pixels, ")
    assert names[4:8] == ["ours, files", "ours, shards", "ours, files, --augment=photo", "Keras"]
    assert names[-1] == "input wait, 2 filters, --augment=photo"
