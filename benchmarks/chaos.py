"""A run that is killed many times at random ends in the same state as an uninterrupted run.

    python -m benchmarks.chaos --kills=60 --damages=20 --seed=0

Kills: SIGKILL, SIGTERM, SIGINT, and a file system that accepts no more bytes (a tmpfs that shrinks if this process may
mount one, otherwise a limit on file sizes), while the run compiles, trains, validates, saves or exports. Then every
damage: a checkpoint is truncated, has one bit flipped, or is missing. `--machines=2` does it to a job of two machines.
"""

import argparse
import collections
import contextlib
import functools
import hashlib
import io
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

from benchmarks.peers import command
from trainer.local_cluster import cluster_specs
from trainer.training import state as states

FLAGS = [
    *("--filters=4", "--dense_units=64", "--precision=float32", "--schedule=constant"),
    *("--checkpoint_every=29", "--learning_rate=0.002", "--batch_size=16"),
]
PHASES = ("start", "compile", "train", "validate", "save", "export")
CAUSES = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, "full disk")
# Or placed: ignored in the comparison.
TIMED = ("input_wait", "images_per_second", "memory_mib", "bucket_lag", "command_line")
_WRONG = ("unexpected exit status", "exit status 0 although", "steps lost after SIGTERM")  # failures of the run
_LIMIT = 300.0  # seconds that one process may take


class Job:
    """One start of the run, on one machine or several, until it ends.

    Args:
      root: the run's folder.
      machines: the number of processes that train together.
      epochs: the epochs of the whole run.
      popen: starts a process, like `subprocess.Popen`.
    """

    def __init__(self, root: Path, machines: int = 1, epochs: int = 12, popen: command.Popen = subprocess.Popen):
        words = ["-m", "benchmarks.chaotic", *FLAGS, f"--epochs={epochs}", f"--job_dir={root}"]
        specs = cluster_specs(machines) if machines > 1 else [""]
        self.root, self.epochs, self.phase, self.step = root, epochs, "start", 0
        self.lines: list[str] = []
        self.processes = [
            popen(
                [sys.executable, *words],
                env={**os.environ, "CLUSTER_SPEC": spec},
                stdout=subprocess.PIPE if index == 0 else subprocess.DEVNULL,
                stderr=subprocess.STDOUT if index == 0 else subprocess.DEVNULL,
                text=True,
            )
            for index, spec in enumerate(specs)
        ]
        self._heard = threading.Condition()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self.processes[0].stdout
        with self.processes[0].stdout as lines:
            for line in lines:
                with self._heard:
                    if line.startswith("phase "):
                        _, self.phase, *step = line.split()
                        self.step = int(step[0]) if step else self.step
                    else:
                        self.lines.append(line.rstrip())
                    self._heard.notify_all()
        with self._heard:
            self.phase = "end"
            self._heard.notify_all()

    def reach(self, phase: str, count: int) -> bool:
        """Waits for the count-th step if the phase is training, the count-th save, or the start of any other phase.

        Returns:
          Whether the run reached it.
        """
        if phase == "save":
            return self._reach_save(count)
        with self._heard:
            self._heard.wait_for(lambda: self.phase in (phase, "end"), _LIMIT)
            if phase == "train":
                last = self.step + count
                self._heard.wait_for(lambda: self.phase == "end" or (self.phase == phase and self.step >= last), _LIMIT)
            return self.phase == phase

    def _reach_save(self, count: int) -> bool:
        deadline = time.monotonic() + _LIMIT
        while self.phase != "end" and time.monotonic() < deadline:
            if self.step and self._is_saving():
                count -= 1
                if count <= 0:
                    return True
                time.sleep(0.05)
        return False

    def _is_saving(self) -> bool:
        with contextlib.suppress(FileNotFoundError):  # a checkpoint that was removed in the meantime
            return any((self.root / "checkpoints").glob("*/.*.partial"))
        return False

    def wait(self) -> list[int]:
        """Returns the exit statuses, as in a shell."""
        statuses = [process.wait(_LIMIT) for process in self.processes]
        self._listener.join(_LIMIT)
        return [status if status >= 0 else 128 - status for status in statuses]


Start = Callable[[Path], Job]


class Disk:
    """A folder that can be made full."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", "size=512m", "tmpfs", str(folder)]
        self.is_mounted = (
            shutil.which("mount") is not None
            and not subprocess.run(command, check=False, capture_output=True).returncode
        )

    def fill(self, room: int, processes: list[subprocess.Popen[str]]) -> None:
        if self.is_mounted:
            while not self._resize(self._used() + room):  # it may have grown in the meantime
                pass
        else:
            with contextlib.suppress(ProcessLookupError):
                for process in processes:
                    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (room, room))

    def empty(self) -> None:
        if self.is_mounted:
            self._resize(2**29)

    def close(self) -> None:
        if self.is_mounted:
            subprocess.run(["umount", "-l", str(self.folder)], check=True)

    def _used(self) -> int:
        status = os.statvfs(self.folder)
        return (status.f_blocks - status.f_bfree) * status.f_frsize

    def _resize(self, size: int) -> bool:
        command = ["mount", "-o", f"remount,size={size}", str(self.folder)]
        return not subprocess.run(command, check=False, capture_output=True).returncode


def remains(root: Path) -> dict[str, str]:
    """Returns, by name, a hash of every part of a finished run that does not depend on a clock."""
    state, _ = newest(root)
    parts: dict[str, Any] = {"step": state["step"], "epoch": state["epoch"]}
    parts |= {f"variable {index}": value for index, value in enumerate(state["variables"])}
    for name in ("keras.EarlyStopping", "keras.ReduceLROnPlateau", "trainer.SaveCheckpoint"):
        remembered = dict(state["callbacks"].get(name, {}))
        best = remembered.pop("best_weights", None) or []
        parts |= {f"{name} {key}": value for key, value in remembered.items()}
        parts |= {f"{name} best weights {index}": value for index, value in enumerate(best)}
    history = state["callbacks"]["keras.History"]["history"]
    parts |= {f"history {name}": values for name, values in history.items() if name not in TIMED}
    parts |= logged(root)
    with zipfile.ZipFile(root / "model" / "model.keras") as model:
        weights = h5py.File(io.BytesIO(model.read("model.weights.h5")))
    weights.visititems(
        lambda name, item: parts.update({f"model {name}": item[()]}) if isinstance(item, h5py.Dataset) else None
    )
    return {name: _hash(value) for name, value in parts.items()}


def fingerprint(of: dict[str, str]) -> str:
    return _hash(sorted(of.items()))


def differences(mine: dict[str, str], expected: dict[str, str]) -> list[str]:
    """Returns the names of the first few differences."""
    return [name for name in sorted(mine | expected) if mine.get(name) != expected.get(name)][:8]


def _hash(value: Any) -> str:
    content = value.tobytes() if isinstance(value, (np.ndarray, np.generic)) else repr(value).encode()
    return hashlib.sha256(content).hexdigest()[:16]


def logged(root: Path) -> dict[str, bytes]:
    """Returns every scalar, picture, histogram and text in TensorBoard's files, by position; timed ones are empty.

    A value that occurs twice has two positions.
    """
    found: dict[str, bytes] = {}
    for path in sorted((root / "logs").rglob("events.out.tfevents.*")):
        for event in LegacyEventFileLoader(str(path)).Load():
            for value in event.summary.value:
                place = f"log {path.parent.name} {value.tag} {event.step}"
                while place in found:
                    place += " again"
                found[place] = b"" if value.tag in TIMED else value.tensor.SerializeToString()
    return found


def newest(root: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the state in the newest checkpoint, and its manifest."""
    manifest = json.loads((root / "checkpoints" / "latest.json").read_text())
    content = b"".join((root / "checkpoints" / file["name"]).read_bytes() for file in manifest["files"])
    return states.unpack(content), manifest


def kill(job: Job, disk: Disk, draw: random.Random, report: collections.Counter[str]) -> bool:
    """Kills a run that has just started at a random moment; returns whether it was still running."""
    cause, phase = draw.choice(CAUSES), draw.choice(PHASES)
    count, delay, room = draw.randint(1, 25 * job.epochs), draw.uniform(0, 0.05), draw.randint(0, 1_200_000)
    if phase == "start":
        time.sleep(draw.uniform(0, 5 * job.epochs / 12))
    elif not job.reach(phase, count if phase == "train" else 1 + count // 25):
        job.wait()
        return False
    if phase not in ("start", "train", "save"):
        time.sleep(delay)
    met, step, begin = job.phase, job.step, time.monotonic()
    victims: list[subprocess.Popen[str]] = []
    if cause == "full disk":
        disk.fill(room, job.processes)
    else:
        # If one of two is killed before they connect, the other waits for it: a service starts it again.
        is_alone = cause == signal.SIGKILL and met != "start"
        victims = [draw.choice(job.processes)] if is_alone else job.processes
        for process in victims:
            process.send_signal(cause)
    statuses = job.wait()
    seconds = time.monotonic() - begin
    disk.empty()
    if met == "end" or statuses[0] == 0:
        # A chief that no longer needs the others may not notice that one of them has ended.
        if job.processes[0] in victims and statuses[0] == 0 and met != "end":
            report[f"exit status 0 although stopped by {cause} in {met}"] += 1
        return False
    report["kills"] += 1
    report[f"  by {cause if cause == 'full disk' else signal.Signals(cause).name}"] += 1
    report[f"  in {'save' if phase == 'save' else met}"] += 1
    expected = {signal.SIGTERM: (143,), signal.SIGINT: (130,), "full disk": (2, 4)}.get(cause, (137, 134))
    if statuses[0] not in expected:
        report[f"unexpected exit status {statuses[0]} by {cause}: {job.lines[-1:]}"] += 1
    saved = newest(job.root)[1]["step"] if (job.root / "checkpoints" / "latest.json").exists() else 0
    lost = max(0, max(step, job.step) - saved)
    if cause in (signal.SIGTERM, signal.SIGINT):
        report["steps lost after SIGTERM and SIGINT"] += lost
        report["seconds to the end after them, at most"] = max(
            report["seconds to the end after them, at most"], round(seconds + 0.5)
        )
    else:
        report["steps lost after SIGKILL and full disks"] += lost
    return True


def damage(root: Path, draw: random.Random) -> str:
    """Damages the newest checkpoint of a run, and returns how."""
    manifest = newest(root)[1]
    state = root / "checkpoints" / manifest["files"][0]["name"]
    path = draw.choice([state, state, root / "checkpoints" / "latest.json"])
    how = draw.choice(["truncated", "bit flipped", "missing"])
    content = bytearray(path.read_bytes())
    if how == "missing":
        path.unlink()
    elif how == "truncated":
        path.write_bytes(content[: draw.randrange(len(content))])
    else:
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        path.write_bytes(content)
    return f"{path.name}: {how}"


def run_damaged(reference: Path, folder: Path, draw: random.Random, start: Start) -> tuple[bool, str]:
    """Resumes from a copy of a finished run whose newest checkpoint is damaged; returns whether this was detected."""
    root = folder / "damaged"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(reference, root)
    (root / "model" / "model.keras").unlink()  # otherwise the run is finished
    how = damage(root, draw)
    job = start(root)
    job.wait()
    found = sum("trying an older one" in line for line in job.lines)
    return found > 0 and remains(root) == remains(reference), how


@contextlib.contextmanager
def workplace() -> Iterator[tuple[Path, Disk]]:
    with tempfile.TemporaryDirectory() as folder:
        disk = Disk(Path(folder) / "disk")
        try:
            yield Path(folder), disk
        finally:
            disk.close()


def main(arguments: Sequence[str], popen: command.Popen = subprocess.Popen) -> int:
    """Prints the results and returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--damages", type=int, default=20)
    parser.add_argument("--machines", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=12, help="of each run")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a process in the background ignores it
    draw, report = random.Random(options.seed), collections.Counter[str]()
    start = functools.partial(Job, machines=options.machines, epochs=options.epochs, popen=popen)
    with workplace() as (folder, disk):
        reference = folder / "reference"
        undisturbed = start(reference)
        status = undisturbed.wait()[0]
        assert status == 0, [status, *undisturbed.lines[-5:]]
        expected = remains(reference)
        print(f"left alone: {fingerprint(expected)}, {len(expected)} parts", flush=True)
        mismatches = runs = 0
        while report["kills"] < options.kills:
            root = disk.folder / f"run-{runs}"
            for _ in range(8):  # at most this many kills of one run
                if report["kills"] < options.kills and not (
                    kill(start(root), disk, draw, report) or (root / "model" / "model.keras").exists()
                ):
                    break
            job = start(root)
            statuses = job.wait()
            wrong = differences(remains(root), expected) if statuses[0] == 0 else job.lines
            runs, mismatches = runs + 1, mismatches + bool(wrong)
            print(f"run {runs}, {report['kills']} kills: {wrong or 'the same'}", flush=True)
            shutil.rmtree(root)
        found = 0
        for _ in range(options.damages):
            was_found, how = run_damaged(reference, folder, draw, start)
            found += was_found
            if not was_found:
                print(f"not found: {how}", flush=True)
        for name, count in report.items():
            print(f"{name:<45} {count}")
        print(f"{'runs':<45} {runs}")
        print(f"{'mismatches':<45} {mismatches}")
        if options.damages:
            print(f"{'damaged checkpoints found, run ended the same':<45} {found} of {options.damages}")
    is_wrong = any(count for name, count in report.items() if name.startswith(_WRONG))
    return int(is_wrong or mismatches > 0 or found < options.damages)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
