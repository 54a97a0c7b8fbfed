"""A bucket that cannot be reached for ten minutes: training continues, memory is constant, all output arrives later.

    python -m benchmarks.outage --minutes=10

The main job, small, with a simulated service. From the third epoch on, every request fails in one of three ways:
connections are reset, answers have status 503, or there is no answer. Afterwards, the benchmark waits until everything
that was trained in the meantime is in the bucket, and stops the job.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers import command
from tests.gcs import faults
from tests.gcs.server import Server, serve

_FLAGS = ("--filters=4", "--dense_units=64", "--schedule=constant", "--epochs=100000", "--precision=float32")
_LIMIT = 120.0  # seconds until the delayed output must be in the bucket
_TRANSIENT = (faults.Status(503), faults.Reset(), faults.Stall(40.0))


class Job:
    """The run, and the epoch that it has reached."""

    def __init__(self, server: Server, folder: Path, popen: command.Popen):
        self.epoch, self.lines, self._changed = 0, list[str](), threading.Condition()
        self.process = popen(
            [sys.executable, "-u", "-m", "trainer.task", *_FLAGS, "--job_dir=gs://bucket/run", f"--cache_dir={folder}"],
            env={**os.environ, "STORAGE_EMULATOR_HOST": server.url},
            stdout=subprocess.PIPE,
            text=True,
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self.process.stdout
        with self.process.stdout as lines:
            for line in lines:
                with self._changed:
                    found = re.match(r"epoch (\d+)/", line)
                    if found:
                        self.epoch = int(found[1])
                    else:
                        self.lines.append(line.rstrip())
                    self._changed.notify_all()

    def stop(self) -> int:
        """Stops the run with SIGTERM, and returns its exit status."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(_LIMIT)
        self._listener.join(_LIMIT)
        return status

    def reach(self, epoch: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self.epoch >= epoch, _LIMIT)

    def memory(self) -> float:
        """Returns the memory of the process in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]


def landed(server: Server) -> int:
    """Returns the epoch of the newest checkpoint in the bucket."""
    manifest = server.objects("bucket").get("run/checkpoints/latest.json")
    return int(json.loads(manifest)["epoch"]) if manifest else 0


def holds_all(server: Server, root: Path) -> bool:
    """Returns whether the bucket has the logs, and the newest checkpoint, of a stopped run's local folder."""
    manifest = root / "checkpoints" / "latest.json"
    states = [root / "checkpoints" / file["name"] for file in json.loads(manifest.read_text())["files"]]
    logs = [path for path in (root / "logs").rglob("*") if path.is_file()]
    objects = server.objects("bucket")
    return all(objects.get(f"run/{path.relative_to(root)}") == path.read_bytes() for path in (manifest, *states, *logs))


def main(arguments: Sequence[str], popen: command.Popen = subprocess.Popen) -> int:
    """Prints the results and returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    minutes = parser.parse_args(arguments).minutes
    outage = threading.Event()
    random = faults.random_faults(0, 1.0, _TRANSIENT)
    with tempfile.TemporaryDirectory() as folder, serve(latency=0.06) as server:
        server.fault = lambda request: random(request) if outage.is_set() else None
        job = Job(server, Path(folder), popen)
        job.reach(3)
        first, memory, begin = job.epoch, [job.memory()], time.monotonic()
        outage.set()
        while time.monotonic() - begin < 60 * minutes:
            time.sleep(min(5.0, 6 * minutes))
            memory.append(job.memory())
        last, there = job.epoch, landed(server)
        outage.clear()
        server.release.set()
        over = time.monotonic()
        while landed(server) < last and time.monotonic() - over < _LIMIT:
            time.sleep(0.1)
        seconds = time.monotonic() - over
        status = job.stop()
        is_whole = holds_all(server, Path(folder) / "runs" / "bucket" / "run")
    half = len(memory) // 2
    print(f"outage                              {minutes:.1f} minutes, from epoch {first}")
    print(f"epochs trained meanwhile            {last - first}")
    print(f"newest on the bucket at its end     epoch {there}")
    print(f"landed after its end                {seconds:.1f} s")
    print(f"memory at the begin, half, end      {memory[0]:.0f}, {memory[half]:.0f}, {memory[-1]:.0f} MB")
    print(f"stopped then: status                {status}, the bucket {'holds all' if is_whole else 'LACKS something'}")
    for line in job.lines:
        print(f"  said: {line}")
    return int(not (is_whole and status == 143 and seconds < _LIMIT and last > first))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
