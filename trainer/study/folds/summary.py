"""The result of a cross-validation on the screen and in `folds.json`."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from trainer import files, interval
from trainer.data.cross_validation import Accuracy, CrossValidation
from trainer.data.held_out import HeldOut
from trainer.errors import StorageError, UsageError, one_line

NAME, TIMES = "folds.json", "seconds.json"

_SHOWN = 3  # classes in a line

Times = dict[str, float]  # seconds by the number of the fold


def line(number: int, count: int, held_out: HeldOut, seconds: float) -> str:
    """Returns the line of a fold that has ended."""
    tested = Accuracy.of(held_out)
    shown = interval.percent(tested.share, tested.samples, f"{held_out.kind}s")
    return f"fold {number} of {count}: accuracy {shown} in {seconds:.1f} s"


def accuracy(result: CrossValidation) -> str:
    """Returns the accuracy over all held-out samples in one line."""
    whole = result.whole
    return f"cross-validated accuracy {interval.percent(whole.share, whole.samples, result.samples)}"


def lines(result: CrossValidation, *, has_final: bool = True) -> Iterator[str]:
    """Yields the result of all folds, after a line about classes with fewer samples than folds.

    Args:
      result: of all folds.
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
    if has_final:
        yield f"the final network is trained on all {count} folds, except its validation part"


def write(root: Path, result: CrossValidation, times: Mapping[str, float]) -> None:
    """Writes `folds.json` into the folder of the run.

    Raises:
      StorageError: it cannot be written.
    """
    folds = [
        {"fold": number, **tested.to_json(), "seconds": times.get(str(number))}
        for number, tested in enumerate(result.folds, 1)
    ]
    _write(root / NAME, {**result.to_json(), "folds": folds})


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
