"""A whole study on digits compared with KerasTuner and Optuna: seconds, and the best validation accuracy."""

import dataclasses
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from benchmarks import timing
from benchmarks.peers import command
from benchmarks.peers.command import ROOT, ProcessDiedError
from benchmarks.peers.table import HEADER, Row

_GOAL = 0.6  # of the faster peer's time
_PEER, _OPTUNA = "benchmarks.peers.keras_tuner_study", "benchmarks.peers.optuna_study"
_PATIENCE = 3600.0  # seconds for the workers
_ALIKE = ("--augment=none", "--schedule=constant", "--log_images=never")  # the peer trains like this, and draws nothing

_STOPPING = {"decayCurveStoppingSpec": {}}  # of our trials, if they are stopped early
_EPOCHS_WITHOUT_PROGRESS = 3  # of KerasTuner's trials, likewise; Optuna has its median pruner

Outcome = tuple[float, float]  # seconds, and the best validation accuracy


@dataclasses.dataclass(frozen=True)
class Size:
    """How long a trial is.

    Attributes:
      epochs: its epochs, at most.
      stops: whether unpromising trials are stopped early.
    """

    epochs: int
    stops: bool


SIZES = {"short": Size(2, stops=False), "long": Size(16, stops=True)}


def compare(
    seeds: int, trials: int, size: Size, data: str = "digits", popen: command.Popen = subprocess.Popen
) -> Iterator[str]:
    """Yields the lines of the table after all rounds; every other round runs in the opposite order.

    Args:
      seeds: the number of rounds, one per seed.
      trials: the trials of each study.
      size: the length of each trial.
      data: the data of the trials.
      popen: starts processes.

    Raises:
      ProcessDiedError: a process fails.
    """
    document = without_conditions(yaml.safe_load((ROOT / "config.yaml").read_text()))
    counts = {name: min(document[name], trials) for name in ("parallelTrialCount", "maxFailedTrialCount")}
    document |= {"maxTrialCount": trials, **counts}
    studies = {
        "ours": ours,
        "KerasTuner, one process": one_process,
        "KerasTuner, chief and workers": chief_and_workers,
        "Optuna, a process a trial": optuna_processes,
    }
    outcomes: dict[str, list[Outcome]] = {name: [] for name in studies}
    for seed in range(seeds):
        for name in list(studies)[:: -1 if seed % 2 else 1]:
            print(f"seed {seed}: {name}", file=sys.stderr, flush=True)
            with tempfile.TemporaryDirectory() as folder:
                given = Given(document, data, size, seed, Path(folder))
                outcomes[name].append(studies[name](given, popen=popen))
    yield f"{trials} trials of {size.epochs} epochs{', unpromising ones stopped early' if size.stops else ''}"
    yield from table(outcomes)


def table(outcomes: Mapping[str, Sequence[Outcome]]) -> Iterator[str]:
    """Yields the lines: ours over each peer, the faster ones first, and the time and result of each."""
    peers = [name for name in outcomes if name != "ours"]
    seconds = {name: [each for each, _ in values] for name, values in outcomes.items()}
    found = {name: [each for _, each in values] for name, values in outcomes.items()}
    peers.sort(key=lambda name: statistics.median(seconds[name]))
    yield HEADER
    for peer in peers:
        both = ("ours", peer)
        medians = [f"{statistics.median(seconds[name]):.1f} s" for name in both]
        ratio = timing.ratio(*(seconds[name] for name in both))
        yield str(Row(f"time; {peer}", *medians, ratio, _GOAL, more_is_better=False))
    for peer in peers:
        both = ("ours", peer)
        means = [f"{statistics.mean(found[name]):.4f}" for name in both]
        ratio = timing.ratio(*(found[name] for name in both))
        yield str(Row(f"best val_accuracy, mean; {peer}", *means, ratio, 1.0, more_is_better=True))
    for name in outcomes:
        took = ", ".join(f"{each:.1f}" for each in seconds[name])
        best = ", ".join(f"{each:.4f}" for each in found[name])
        yield f"  {name}: {took} s; best val_accuracy {best}"


@dataclasses.dataclass(frozen=True)
class Given:
    """One study of one round.

    Attributes:
      document: the tuning job.
      data: the data of the trials.
      size: the length of each trial.
      seed: of the study and its trials.
      folder: takes the output.
    """

    document: Mapping[str, Any]
    data: str
    size: Size
    seed: int
    folder: Path

    def as_json(self, **more: Any) -> str:
        """Returns what the peers read, and more."""
        return json.dumps(
            {
                "parameters": self.document["studySpec"]["parameters"],
                "trials": self.document["maxTrialCount"],
                "data": self.data,
                "epochs": self.size.epochs,
                "seed": self.seed,
                "folder": str(self.folder / "tuner"),
                "patience": _EPOCHS_WITHOUT_PROGRESS if self.size.stops else None,
                "stops": self.size.stops,
                **more,
            }
        )


def without_conditions(document: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a tuning job without its conditional parameters, for which KerasTuner's oracle has another form."""
    parameters = [
        {name: value for name, value in parameter.items() if name != "conditionalParameterSpecs"}
        for parameter in document["studySpec"]["parameters"]
    ]
    return {**document, "studySpec": {**document["studySpec"], "parameters": parameters}}


def ours(given: Given, *, popen: command.Popen) -> Outcome:
    """Runs `python -m trainer.study`."""
    config, job_dir = given.folder / "config.yaml", given.folder / "study"
    study = {**given.document["studySpec"], **(_STOPPING if given.size.stops else {})}
    config.write_text(yaml.safe_dump({**given.document, "studySpec": study}, sort_keys=False))
    flags = (f"--data={given.data}", f"--epochs={given.size.epochs}", f"--seed={given.seed}", *_ALIKE)
    words = ("trainer.study", f"--config={config}", f"--job_dir={job_dir}", *flags)
    done = command.measure("-m", *words, popen=popen)
    trials = json.loads((job_dir / "study.json").read_text())["trials"]
    return done.seconds, max(measured["value"] for trial in trials for measured in trial["measurements"])


def one_process(given: Given, *, popen: command.Popen) -> Outcome:
    """Runs KerasTuner's search in one process, its default."""
    done = command.measure("-m", _PEER, given.as_json(core=None), popen=popen)
    return done.seconds, _best(given.folder)


def optuna_processes(given: Given, *, popen: command.Popen) -> Outcome:
    """Runs Optuna's study with a process for each trial, as many at the same time as there are cores."""
    done = command.measure("-m", _OPTUNA, given.as_json(cores=_cores()), popen=popen)
    return done.seconds, float(done.output.splitlines()[-1])


def chief_and_workers(given: Given, *, popen: command.Popen) -> Outcome:
    """Runs KerasTuner's search with a worker per core. The chief's last waits, of up to 20 s, are not counted."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"KERASTUNER_ORACLE_IP": "127.0.0.1", "KERASTUNER_ORACLE_PORT": str(port)}

    def start(name: str, core: int | None) -> subprocess.Popen[str]:
        return popen(
            [sys.executable, "-m", _PEER, given.as_json(core=core)],
            cwd=ROOT,
            env=command.environment() | shared | {"KERASTUNER_TUNER_ID": name},
            stdout=subprocess.DEVNULL,
            stderr=log,
            text=True,
        )

    with (given.folder / "errors.txt").open("w+") as log:
        begin = time.perf_counter()
        chief = start("chief", None)
        workers = [start(f"tuner{number}", core) for number, core in enumerate(_cores())]
        try:
            statuses = [worker.wait(_PATIENCE) for worker in workers]
            seconds = time.perf_counter() - begin
        finally:
            for process in (chief, *workers):
                process.kill()
                process.wait()
        if any(statuses):
            log.seek(0)
            raise ProcessDiedError(command.show(_PEER, max(statuses, key=abs), log.read()))
    return seconds, _best(given.folder)


def _cores() -> list[int | None]:
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [None] * (os.cpu_count() or 1)


def _best(folder: Path) -> float:
    files = (folder / "tuner").rglob("trial.json")
    scores = [json.loads(file.read_text())["score"] for file in files]
    return max(score for score in scores if score is not None)
