import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_prints_its_tables() -> None:
    tiny = ["--flushes=4", "--pace=0.01", "--megabytes=1", "--files=8", "--rounds=1", "--latency=0.001"]
    command = [sys.executable, "-m", "benchmarks.storage", *tiny]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    names = [line.split("  ")[0] for line in done.stdout.splitlines() if line]
    assert names[1:] == [
        "a log of 4 flushes of 10 KB, each once",
        "ours, coalesced, a flush each 0.01 s",
        "ours, a pass after each flush",
        "TensorFlow's writer",
        "TensorFlow's writer, GCS_APPEND_MODE=compose",
        "a checkpoint of 1 MB, 1 each, in turn",
        "ours",
        "tf.train.CheckpointManager",
        "tf.train.CheckpointManager, enable_async=True",
        "8 files of 2 KB, 1 times in turn, the loop once",
        "ours",
        "transfer_manager, 32 threads",
        "a loop of Blob.download_as_bytes",
    ]
