"""Studies that are killed many times at random: what is lost, doubled or suggested twice.

    python -m benchmarks.killed_studies --of=study --kills=20
    python -m benchmarks.killed_studies --of=shared --kills=20

`study` is `python -m trainer.study` with two trials at a time, `shared` is two processes of `examples/shared_study.py`
on one folder. SIGKILL ends a program alone, or it and all processes that it has started, as when a machine fails; then
the same command starts again. After each kill, the record of the study is compared with that after the previous one. A
study that ends before the last kill is followed by another one, with another `--seed`. Linux only.
"""

import argparse
import collections
import contextlib
import dataclasses
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml

from benchmarks.peers import command
from benchmarks.trial_records import Recorded, shared_record, study_record, unfinished, wrong

_PARALLEL = 2  # trials
_LIMIT = 1800.0  # seconds for a study after its last kill
_LOOK = 0.1  # seconds between two looks at the processes
_PARAMETERS = [
    {"parameterId": "filters", "discreteValueSpec": {"values": [2, 4, 8]}, "scaleType": "UNIT_LOG_SCALE"},
    {"parameterId": "kernel_size", "discreteValueSpec": {"values": [3, 5]}, "scaleType": "UNIT_LINEAR_SCALE"},
    {"parameterId": "padding", "categoricalValueSpec": {"values": ["same", "valid"]}},
]
_FLAGS = ("--data=digits", "--dense_units=8", "--precision=float32", "--log_images=never", "--report=no")


@dataclasses.dataclass(frozen=True)
class Kind:
    """One way to run a study.

    Attributes:
      processes: the number of programs that work on it at the same time.
      words: the arguments of Python, without flags.
      folder_flag: the flag for the folder.
      read: returns the trials in a folder, by number.
    """

    processes: int
    words: tuple[str, ...]
    folder_flag: str
    read: Callable[[Path], dict[int, Recorded]]


KINDS = {
    "study": Kind(1, ("-m", "trainer.study"), "--job_dir", study_record),
    "shared": Kind(2, (str(command.ROOT / "examples" / "shared_study.py"),), "--study", shared_record),
}


class Study:
    """A study whose programs are killed and started again.

    Args:
      kind: how it runs.
      folder: takes its configuration and its output.
      trials: the number of trials.
      epochs: the epochs of each.
      seed: of all runs.
      popen: starts processes.
    """

    def __init__(self, kind: Kind, folder: Path, *, trials: int, epochs: int, seed: int, popen: command.Popen):
        self.folder, self.trials, self._kind, self._popen = folder / "study", trials, kind, popen
        config = folder / "config.yaml"
        config.write_text(yaml.safe_dump(_document(trials)), encoding="utf-8")
        flags = (*_FLAGS, f"--epochs={epochs}", f"--seed={seed}", "--checkpoint_every=3")
        self._command = [sys.executable, *kind.words, f"--config={config}", f"{kind.folder_flag}={self.folder}", *flags]
        self._log = folder / "log.txt"
        self.processes = [self._start() for _ in range(kind.processes)]

    def _start(self) -> subprocess.Popen[str]:
        with self._log.open("a") as log:
            return self._popen(
                self._command, stdout=log, stderr=log, cwd=command.ROOT, env=command.environment(), text=True
            )

    def record(self) -> dict[int, Recorded]:
        return self._kind.read(self.folder)

    def log(self) -> str:
        return self._log.read_text()

    @property
    def has_ended(self) -> bool:
        return all(process.poll() is not None for process in self.processes)

    def wait(self, seconds: float) -> list[str]:
        """Waits, or until the study has ended; returns the trials that two processes have run at the same time."""
        end, doubled = time.monotonic() + seconds, set[str]()
        while time.monotonic() < end and not self.has_ended:
            doubled |= {
                f"two processes: trial {number}" for number, count in _running(self.folder).items() if count > 1
            }
            time.sleep(_LOOK)
        return sorted(doubled)

    def kill(self, draw: random.Random) -> str:
        """Kills one program, which starts again, and returns how; nothing if all have ended."""
        running = [index for index, process in enumerate(self.processes) if process.poll() is None]
        if not running:
            return ""
        index, is_whole = draw.choice(running), draw.random() < 0.5
        process = self.processes[index]
        victims = [process.pid, *(_below(process.pid) if is_whole else ())]
        _kill(victims)
        process.wait()
        self.processes[index] = self._start()
        return f"{len(victims)} processes" if is_whole else "the program alone"

    def close(self) -> None:
        """Kills what still runs."""
        for process in self.processes:
            if process.poll() is None:
                _kill([process.pid, *_below(process.pid)])
            process.wait()


def _kill(processes: Sequence[int]) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def _document(trials: int) -> dict[str, Any]:
    rate = {"parameterId": "learning_rate", "doubleValueSpec": {"minValue": 0.001, "maxValue": 0.01}}
    container = {"imageUri": "REGION-docker.pkg.dev/PROJECT/trainer/trainer:latest"}
    pool = {"machineSpec": {"machineType": "n2-standard-8"}, "replicaCount": 1, "containerSpec": container}
    return {
        "displayName": "killed",
        "maxTrialCount": trials,
        "parallelTrialCount": min(_PARALLEL, trials),
        "maxFailedTrialCount": 1,
        "studySpec": {
            "metrics": [{"metricId": "val_accuracy", "goal": "MAXIMIZE"}],
            "parameters": [*_PARAMETERS, {**rate, "scaleType": "UNIT_LOG_SCALE"}],
        },
        "trialJobSpec": {"workerPoolSpecs": [pool]},
    }


def _below(process: int) -> list[int]:
    """Returns the processes that a process has started, and those that they have started."""
    children = collections.defaultdict(list)
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            children[int(path.read_text().rpartition(")")[2].split()[1])].append(int(path.parent.name))
    found = [process]
    for parent in found:
        found += children[parent]
    return found[1:]


def _running(folder: Path) -> collections.Counter[str]:
    """Returns the number of `trainer.task` processes of each trial, without the forks of `trainer.study`."""
    counts = collections.Counter[str]()
    prefix = f"CLOUD_ML_HP_METRIC_FILE={folder}/".encode()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if b"trainer.task\0" in path.read_bytes():
                variables = path.with_name("environ").read_bytes().split(b"\0")
                counts.update(
                    one.removeprefix(prefix).split(b"/")[0].decode() for one in variables if one.startswith(prefix)
                )
    return counts


def main(arguments: Sequence[str], popen: command.Popen = subprocess.Popen) -> int:
    """Prints each kill and what is wrong after it, and returns the exit status: 1 if anything is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--of", choices=tuple(KINDS), default="study")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--trials", type=int, default=8, help="of each study")
    parser.add_argument("--epochs", type=int, default=3, help="of each trial")
    parser.add_argument("--longest", type=float, default=20.0, help="seconds before a kill, at most")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    draw, kills, studies, mistakes = random.Random(options.seed), 0, 0, list[str]()
    while kills < options.kills:
        with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as ends:
            study = Study(
                KINDS[options.of], Path(name),
                trials=options.trials, epochs=options.epochs, seed=studies, popen=popen,
            )  # fmt: skip
            ends.callback(study.close)
            before: dict[int, Recorded] = {}
            while True:
                is_last = kills == options.kills
                seconds = _LIMIT if is_last else draw.uniform(0, options.longest)
                found = study.wait(seconds)
                how = "" if is_last else study.kill(draw)
                if not how:
                    break
                kills, now = kills + 1, study.record()
                found += wrong(before, now)
                before, mistakes = now, mistakes + found
                states = collections.Counter(trial.state for trial in now.values())
                shown = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
                print(
                    f"kill {kills}, {how}, after {seconds:.1f} s: {shown or 'no trial'}: {found or 'nothing wrong'}",
                    flush=True,
                )
            now, studies = study.record(), studies + 1
            found += [*wrong(before, now), *unfinished(now, options.trials, study.folder)]
            print(f"study {studies}, {len(now)} trials: {found or 'nothing wrong'}", flush=True)
            if found:
                print(study.log()[-3000:])
            mistakes += found
    print(f"{kills} kills in {studies} studies; lost, changed, doubled or suggested twice: {len(mistakes)}")
    return int(bool(mistakes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
