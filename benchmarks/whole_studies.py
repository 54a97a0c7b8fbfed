"""A whole study on digits compared with KerasTuner's searches: seconds, and the best validation accuracy."""

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
_PEER = "benchmarks.peers.keras_tuner_study"
_PATIENCE = 3600.0  # seconds for the workers
_ALIKE = ("--augment=none", "--schedule=constant", "--log_images=never")  # the peer trains like this, and draws nothing

Outcome = tuple[float, float]  # seconds, and the best validation accuracy


def compare(
    seeds: int, trials: int, epochs: int, data: str = "digits", popen: command.Popen = subprocess.Popen
) -> Iterator[str]:
    """Yields the lines of the table after all rounds; every other round runs in the opposite order.

    Args:
      seeds: the number of rounds, one per seed.
      trials: the trials of each study.
      epochs: the epochs of each trial.
      data: the data of the trials.
      popen: starts processes.

    Raises:
      ProcessDiedError: a process fails.
    """
    document = without_conditions(yaml.safe_load((ROOT / "config.yaml").read_text()))
    counts = {name: min(document[name], trials) for name in ("parallelTrialCount", "maxFailedTrialCount")}
    document |= {"maxTrialCount": trials, **counts}
    studies = {"ours": ours, "one process": one_process, "chief and workers": chief_and_workers}
    outcomes: dict[str, list[Outcome]] = {name: [] for name in studies}
    for seed in range(seeds):
        for name in list(studies)[:: -1 if seed % 2 else 1]:
            print(f"seed {seed}: {name}", file=sys.stderr, flush=True)
            with tempfile.TemporaryDirectory() as folder:
                outcomes[name].append(studies[name](document, data, epochs, seed, Path(folder), popen=popen))
    yield from table(outcomes, trials)


def table(outcomes: Mapping[str, Sequence[Outcome]], trials: int) -> Iterator[str]:
    """Yields the lines: ours over the faster peer, and the time and result of each."""
    peers = [name for name in outcomes if name != "ours"]
    seconds = {name: [each for each, _ in values] for name, values in outcomes.items()}
    found = {name: [each for _, each in values] for name, values in outcomes.items()}
    peer = min(peers, key=lambda name: statistics.median(seconds[name]))
    yield HEADER
    both = ("ours", peer)
    medians = [f"{statistics.median(seconds[name]):.1f} s" for name in both]
    ratio = timing.ratio(*(seconds[name] for name in both))
    yield str(Row(f"{trials} trials; KerasTuner, {peer}", *medians, ratio, _GOAL, more_is_better=False))
    means = [f"{statistics.mean(found[name]):.4f}" for name in both]
    ratio = timing.ratio(*(found[name] for name in both))
    yield str(Row("best val_accuracy, mean; ratio", *means, ratio, 1.0, more_is_better=True))
    for name in outcomes:
        took = ", ".join(f"{each:.1f}" for each in seconds[name])
        best = ", ".join(f"{each:.4f}" for each in found[name])
        yield f"  {name}: {took} s; best val_accuracy {best}"


def without_conditions(document: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a tuning job without its conditional parameters, for which KerasTuner's oracle has another form."""
    parameters = [
        {name: value for name, value in parameter.items() if name != "conditionalParameterSpecs"}
        for parameter in document["studySpec"]["parameters"]
    ]
    return {**document, "studySpec": {**document["studySpec"], "parameters": parameters}}


def ours(
    document: Mapping[str, Any], data: str, epochs: int, seed: int, folder: Path, *, popen: command.Popen
) -> Outcome:
    """Runs `python -m trainer.study`."""
    config, job_dir = folder / "config.yaml", folder / "study"
    config.write_text(yaml.safe_dump(dict(document), sort_keys=False))
    flags = (f"--data={data}", f"--epochs={epochs}", f"--seed={seed}", *_ALIKE)
    words = ("trainer.study", f"--config={config}", f"--job_dir={job_dir}", *flags)
    done = command.measure("-m", *words, popen=popen)
    trials = json.loads((job_dir / "study.json").read_text())["trials"]
    return done.seconds, max(measured["value"] for trial in trials for measured in trial["measurements"])


def one_process(
    document: Mapping[str, Any], data: str, epochs: int, seed: int, folder: Path, *, popen: command.Popen
) -> Outcome:
    """Runs KerasTuner's search in one process, its default."""
    done = command.measure("-m", _PEER, _given(document, data, epochs, seed, folder, core=None), popen=popen)
    return done.seconds, _best(folder)


def chief_and_workers(
    document: Mapping[str, Any], data: str, epochs: int, seed: int, folder: Path, *, popen: command.Popen
) -> Outcome:
    """Runs its search with a worker per core. The chief's last waits, of up to 20 s, are not counted."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [None] * (os.cpu_count() or 1)
    shared = {"KERASTUNER_ORACLE_IP": "127.0.0.1", "KERASTUNER_ORACLE_PORT": str(port)}

    def start(name: str, core: int | None) -> subprocess.Popen[str]:
        return popen(
            [sys.executable, "-m", _PEER, _given(document, data, epochs, seed, folder, core=core)],
            cwd=ROOT,
            env=command.environment() | shared | {"KERASTUNER_TUNER_ID": name},
            stdout=subprocess.DEVNULL,
            stderr=log,
            text=True,
        )

    with (folder / "errors.txt").open("w+") as log:
        begin = time.perf_counter()
        chief = start("chief", None)
        workers = [start(f"tuner{number}", core) for number, core in enumerate(cores)]
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
    return seconds, _best(folder)


def _given(document: Mapping[str, Any], data: str, epochs: int, seed: int, folder: Path, *, core: int | None) -> str:
    return json.dumps(
        {
            "parameters": document["studySpec"]["parameters"],
            "trials": document["maxTrialCount"],
            "data": data,
            "epochs": epochs,
            "seed": seed,
            "folder": str(folder / "tuner"),
            "core": core,
        }
    )


def _best(folder: Path) -> float:
    files = (folder / "tuner").rglob("trial.json")
    scores = [json.loads(file.read_text())["score"] for file in files]
    return max(score for score in scores if score is not None)
