"""The best accuracy after some minutes on photographs, digits and signals, compared with AutoKeras.

    python -m benchmarks.best_after --minutes=10 --photos=PHOTOS --signals=SIGNALS --backbone=BACKBONE.keras

Three rows for each data set: `python -m trainer.study --budget`, one `python -m trainer.task` with its default flags,
and AutoKeras's search with the same limit. For photographs, the second has the pretrained backbone. The validation part
chooses, and each row measures the test part once, which costs no time of the limit. One fold of five of the photographs
is the test part. AutoKeras can be installed in another environment: `--autokeras=PYTHON`.
"""

import argparse
import dataclasses
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import yaml

from benchmarks.held_back import folds, lay_out
from benchmarks.peers import command
from benchmarks.peers.command import ROOT, ProcessDiedError
from benchmarks.peers.table import NAME_WIDTH, left_out

_MORE = 1000  # trials than there is time for
_AUTOKERAS = ROOT / "benchmarks" / "peers" / "autokeras_search.py"


@dataclasses.dataclass(frozen=True)
class Result:
    """What one row found in one round.

    Attributes:
      seconds: of the whole command.
      trials: how many networks were compared.
      validation: the accuracy that chose one of them.
      test: its accuracy on the test part.
    """

    seconds: float
    trials: int
    validation: float
    test: float


@dataclasses.dataclass(frozen=True)
class Round:
    """One data set, with one seed.

    Attributes:
      data: the value of `--data`, with a test part.
      seed: of all programs.
      folder: takes their output.
      limit: seconds of a search.
      flags: of every run of this package.
      popen: starts processes.
    """

    data: str
    seed: int
    folder: Path
    limit: float
    flags: Sequence[str]
    popen: command.Popen

    def study(self, config: Path) -> Result:
        """Runs a study that ends after the time."""
        document = yaml.safe_load(config.read_text()) | {"maxTrialCount": _MORE, "maxFailedTrialCount": _MORE}
        for pool in document["trialJobSpec"]["workerPoolSpecs"]:
            pool["containerSpec"].pop("args", None)
        written, job_dir = self.folder / "config.yaml", self.folder / "study"
        written.write_text(yaml.safe_dump(document, sort_keys=False))
        words = (f"--config={written}", f"--job_dir={job_dir}", f"--budget={self.limit:g}", *self._flags())
        done = command.measure("-m", "trainer.study", *words, popen=self.popen)
        record = json.loads((job_dir / "study.json").read_text())
        measured = sum(bool(trial["measurements"]) for trial in record["trials"])
        best = record["best"]
        if not best:
            raise ProcessDiedError("no trial has reported its accuracy")
        return Result(done.seconds, measured, best["value"], self._test(job_dir / str(best["trial"])))

    def run(self, *flags: str) -> Result:
        """Runs `trainer.task` with its default flags and these."""
        job_dir, report = self.folder / "run", self.folder / "metrics"
        variables = command.environment() | {"CLOUD_ML_HP_METRIC_FILE": str(report)}
        words = (f"--job_dir={job_dir}", *flags, *self._flags())
        done = command.measure("-m", "trainer.task", *words, popen=self.popen, variables=variables)
        values = [json.loads(line)["val_accuracy"] for line in report.read_text().splitlines()]
        return Result(done.seconds, 1, max(map(float, values)), self._test(job_dir))

    def autokeras(self, python: str) -> Result:
        """Runs AutoKeras's search.

        Raises:
          ProcessDiedError: it is not installed, or fails.
        """
        arrays = self.folder / "data.npz"
        command.measure("-m", "benchmarks.peers.whole_data", self.data, str(self.seed), str(arrays), popen=self.popen)
        begin = time.perf_counter()
        done = subprocess.run(
            [python, _AUTOKERAS, arrays, f"{self.limit:g}", self.folder / "autokeras", str(self.seed)],
            env=command.environment(), cwd=self.folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        seconds = time.perf_counter() - begin
        if done.returncode:
            raise ProcessDiedError((done.stderr.strip().splitlines() or ["no word"])[-1])
        found = json.loads(done.stdout.strip().splitlines()[-1])
        return Result(seconds, found["trials"], found["validation"], found["test"])

    def _flags(self) -> Sequence[str]:
        return f"--data={self.data}", f"--seed={self.seed}", *self.flags

    def _test(self, run: Path) -> float:
        words = (f"--model={run}", "--json", self.data)
        done = command.measure("-m", "trainer.evaluate", *words, popen=self.popen)
        return float(json.loads(done.output.strip().splitlines()[-1])["accuracy"])


def _line(name: str, results: Sequence[Result]) -> str:
    tests = [result.test for result in results]
    spread = f" ({min(tests):.1%} to {max(tests):.1%})" if len(tests) > 1 else ""
    median = {
        field: statistics.median(getattr(result, field) for result in results)
        for field in ("seconds", "trials", "validation", "test")
    }
    return (
        f"{name:<{NAME_WIDTH}}{median['seconds']:>8.0f} s{median['trials']:>9.0f}{median['validation']:>12.1%}"
        f"{median['test']:>10.1%}{spread}"
    )


def _rows(options: argparse.Namespace, name: str) -> dict[str, Callable[[Round], Result]]:
    """Returns what is measured on a data set, by the name of its row."""
    backbone = [f"--model={options.backbone}"] if name == "photos" and options.backbone else []
    return {
        f"{name}: trainer.study": lambda one: one.study(options.config),
        f"{name}: trainer.task{', pretrained' if backbone else ''}": lambda one: one.run(*backbone),
        f"{name}: AutoKeras": lambda one: one.autokeras(options.autokeras),
    }


def compare(options: argparse.Namespace, popen: command.Popen) -> Iterator[str]:
    """Yields the lines of the table; every other round runs in the opposite order."""
    yield f"{'':<{NAME_WIDTH}}{'took':>10}{'trials':>9}{'validation':>12}{'test':>10}"
    given = {"photos": options.photos, "digits": "digits", "signals": options.signals}
    for name, data in given.items():
        if not data or name not in (options.only or given):
            continue
        rows, failed = _rows(options, name), dict[str, str]()
        found: dict[str, list[Result]] = {row: [] for row in rows}
        for seed in range(options.seeds):
            for row in list(rows)[:: -1 if seed % 2 else 1]:
                with tempfile.TemporaryDirectory() as folder:
                    where = str(data)
                    if name == "photos":
                        lay_out(folds(Path(data), seed), seed % 5, Path(folder, "photos"))
                        where = str(Path(folder, "photos"))
                    one = Round(where, seed, Path(folder), 60 * options.minutes, options.flags, popen)
                    print(f"seed {seed}: {row}", file=sys.stderr, flush=True)
                    try:
                        found[row].append(rows[row](one))
                    except ProcessDiedError as error:
                        failed[row] = str(error)
        for row, results in found.items():
            yield left_out(row, failed[row]) if row in failed else _line(row, results)


def main(arguments: Sequence[str], popen: command.Popen = subprocess.Popen) -> None:
    """Prints the table; `popen` starts the processes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="of each search")
    parser.add_argument("--seeds", type=int, default=3, help="rounds")
    parser.add_argument("--photos", type=os.path.abspath, help="a folder of class folders")
    parser.add_argument("--signals", type=os.path.abspath, help="a folder of .ts files, TRAIN and TEST")
    parser.add_argument("--backbone", type=os.path.abspath, help="a .keras file that gives maps, for photographs")
    parser.add_argument("--config", type=Path, default=ROOT / "config.yaml", help="what the study tunes")
    parser.add_argument("--autokeras", default=sys.executable, metavar="PYTHON", help="Python with AutoKeras")
    parser.add_argument("--only", nargs="*", choices=("photos", "digits", "signals"), help="none are all")
    parser.add_argument("--flags", nargs="*", default=[], metavar="FLAG=VALUE", help="of trainer.task, as in epochs=1")
    options = parser.parse_args(arguments)
    options.flags = [f"--{flag}" for flag in options.flags]
    for line in compare(options, popen):
        print(line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
