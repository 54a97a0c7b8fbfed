"""The result of a cross-validation on the screen and in `folds.json`."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from trainer import files
from trainer.errors import StorageError, UsageError
from trainer.objectives.cross_validation.result import CrossValidation

NAME, TIMES = "folds.json", "seconds.json"

Times = dict[str, float]  # seconds by the number of the fold


def lines(result: CrossValidation, *, has_final: bool = True) -> Iterator[str]:
    """Yields the result of all folds.

    Args:
      result: of all folds.
      has_final: whether a final network follows.
    """
    yield from result.lines()
    if has_final:
        yield f"the final network is trained on all {result.count} folds, except its validation part"


def write(root: Path, result: CrossValidation, times: Mapping[str, float]) -> None:
    """Writes `folds.json` into the folder of the run.

    Args:
      root: the folder.
      result: of all folds.
      times: seconds by the number of the fold.

    Raises:
      StorageError: it cannot be written.
    """
    folds = [
        {"fold": number, **result.fold_json(number), "seconds": times.get(str(number))}
        for number in range(1, result.count + 1)
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
