"""The result of a cross-validation on the screen and in `folds.json`."""

import dataclasses
import json
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from trainer import files, interval
from trainer.data.cross_validation import Accuracy, CrossValidation
from trainer.data.held_out import HeldOut
from trainer.errors import StorageError, UsageError, one_line
from trainer.metrics import ACCURACY, Metric
from trainer.objectives import scores

NAME, TIMES = "folds.json", "seconds.json"

_SHOWN = 3  # classes in a line

Times = dict[str, float]  # seconds by the number of the fold


@dataclasses.dataclass(frozen=True)
class Scores:
    """A metric other than the accuracy on the samples that each fold holds out.

    Attributes:
      metric: which one.
      values: of each fold, in order; NaN where it is undefined, as the area under the curve of a single class.
    """

    metric: Metric
    values: Sequence[float]

    @classmethod
    def of(cls, metric: Metric, predictions: Sequence[HeldOut]) -> "Scores | None":
        """Returns the scores of folds from their predictions; None for the accuracy, which each result has."""
        if metric is ACCURACY:
            return None
        return cls(metric, [scores.score(metric.name, one.targets, one.probabilities) for one in predictions])

    @property
    def known(self) -> list[float]:
        """The values that are defined."""
        return [value for value in self.values if math.isfinite(value)]

    @property
    def mean(self) -> float | None:
        """The mean of the values that are defined; None if there is none."""
        return statistics.fmean(self.known) if self.known else None

    @property
    def deviation(self) -> float | None:
        """Their standard deviation, with one degree of freedom less than values; None of fewer than two."""
        return statistics.stdev(self.known) if len(self.known) > 1 else None

    def to_json(self) -> dict[str, Any]:
        """Returns the name of the metric, the mean and the standard deviation between folds."""
        return {"name": self.metric.name, "mean": self.mean, "standard_deviation": self.deviation}

    def lines(self) -> Iterator[str]:
        """Yields a line about the values."""
        if self.mean is not None:
            spread = "" if self.deviation is None else f", standard deviation {self.deviation:.4f}"
            yield f"cross-validated {self.metric.name} {self.mean:.4f}: mean of {len(self.known)} folds{spread}"


def line(number: int, count: int, held_out: HeldOut, seconds: float, metric: Metric = ACCURACY) -> str:
    """Returns the line of a fold that has ended."""
    tested, found = Accuracy.of(held_out), Scores.of(metric, [held_out])
    shown = interval.percent(tested.share, tested.samples, f"{held_out.kind}s")
    other = f", {metric.name} {found.known[0]:.4f}" if found and found.known else ""
    return f"fold {number} of {count}: accuracy {shown}{other} in {seconds:.1f} s"


def accuracy(result: CrossValidation) -> str:
    """Returns the accuracy over all held-out samples in one line."""
    whole = result.whole
    return f"cross-validated accuracy {interval.percent(whole.share, whole.samples, result.samples)}"


def lines(result: CrossValidation, found: Scores | None = None, *, has_final: bool = True) -> Iterator[str]:
    """Yields the result of all folds, after a line about classes with fewer samples than folds.

    Args:
      result: of all folds.
      found: the metric of `--metric` on each fold; None if that is the accuracy.
      has_final: whether a final network follows.
    """
    small, count = result.small_classes(), len(result.folds)
    if small:
        shown = ", ".join(f"{one_line(name)} ({size:,})" for name, size in [*small.items()][:_SHOWN])
        more = f" and {len(small) - _SHOWN:,} more" if len(small) > _SHOWN else ""
        verb, noun = ("class has", "it") if len(small) == 1 else ("classes have", "them")
        yield f"{len(small):,} {verb} fewer {result.samples} than folds, so some folds lack {noun}: {shown}{more}"
    yield accuracy(result)
    yield f"  between folds: mean {result.mean:.2%}, standard deviation {result.deviation:.2%}"
    yield from found.lines() if found else ()
    if has_final:
        yield f"the final network is trained on all {count} folds, except its validation part"


def write(root: Path, result: CrossValidation, times: Mapping[str, float], found: Scores | None = None) -> None:
    """Writes `folds.json` into the folder of the run.

    Args:
      root: the folder.
      result: of all folds.
      times: seconds by the number of the fold.
      found: the metric of `--metric` on each fold; None if that is the accuracy.

    Raises:
      StorageError: it cannot be written.
    """
    folds = [
        {"fold": number, **tested.to_json(), "seconds": times.get(str(number))}
        for number, tested in enumerate(result.folds, 1)
    ]
    if found:
        for fold, value in zip(folds, found.values, strict=True):
            fold[found.metric.name] = value if math.isfinite(value) else None
    metric = {"metric": found.to_json()} if found else {}
    _write(root / NAME, {**result.to_json(), **metric, "folds": folds})


def read_times(folder: Path) -> Times:
    """Returns how long the folds took that have ended; empty if it is unknown."""
    try:
        return {str(number): float(seconds) for number, seconds in json.loads((folder / TIMES).read_text()).items()}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}


def write_times(folder: Path, times: Mapping[str, float]) -> None:
    """Writes how long the folds took.

    Raises:
      StorageError: it cannot be written.
    """
    _write(folder / TIMES, times)


def check_same_data(folder: Path, count: int) -> None:
    """Checks that all folds were trained on the same data: they may have changed between two commands.

    Raises:
      UsageError: they changed.
    """
    found = [_checksums(folder / str(number)) for number in range(1, count + 1)]
    for number, checksums in enumerate(found, 1):
        if checksums != found[-1]:
            raise UsageError(
                f"`--data` must be the same for all folds; remove {folder / str(number)} to train this fold again. "
                f"Received: other samples in fold {number} than in fold {count}"
            )


def best_epochs(folder: Path, count: int) -> list[int]:
    """Returns the best epoch of each fold.

    Raises:
      UsageError: the record of a fold is missing or damaged.
    """
    return [_best_epoch(folder / str(number)) for number in range(1, count + 1)]


def _best_epoch(root: Path) -> int:
    try:
        return int(json.loads((root / "hparams.json").read_bytes())["outcome"]["best_epoch"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise UsageError(f"`--job_dir` must contain the record of each fold. Received: {root}, without one") from None


def _checksums(root: Path) -> Mapping[str, Any]:
    """Returns what identifies the data of a run, without the parts, which differ between folds."""
    try:
        record = json.loads((root / "hparams.json").read_bytes())["data"]
        found = {"classes": record["classes"], "count": sum(record["counts"].values()), **record["checksums"]}
        if "parts" not in found:  # arrays of files that were split before they were read: part by part
            found.pop("samples", None)
        return {**found, "parts": ""}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise UsageError(f"`--job_dir` must contain the record of each fold. Received: {root}, without one") from None


def _write(path: Path, content: Any) -> None:
    try:
        files.replace(path, json.dumps(content, indent=1), "\n", durable=True)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}") from error
