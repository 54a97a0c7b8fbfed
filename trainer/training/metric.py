"""The metric report that a tuning service reads."""

import contextlib
import math
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import hypertune

from trainer.errors import DivergedError, StorageError
from trainer.metrics import ACCURACY, Metric

# The other fields of cloudml-hypertune's entries: a metric of such a name would overwrite one, or be overwritten.
RESERVED = ("checkpoint_path", "global_step", "timestamp", "trial")

_VARIABLE = "CLOUD_ML_HP_METRIC_FILE"


class MetricReport:
    """Reports the metric that a trial is ranked by, through cloudml-hypertune.

    The library rewrites its file in place, and a concurrent reader finds nothing or half. So it writes a file
    beside, which then replaces the one that is read. It takes the trial's number from `CLOUD_ML_TRIAL_ID`.

    Args:
      metric_file: the file that is read. Its folder is made where there is none.
      metric: what is reported, under its tag.

    Raises:
      StorageError: it cannot be written.
    """

    def __init__(self, metric_file: str, metric: Metric = ACCURACY):
        self.metric = metric
        self._reported: list[tuple[float, int]] = []
        self._file = Path(metric_file).resolve()  # a link stays one, and the library needs a folder
        with self._named_failures():
            with contextlib.suppress(FileExistsError):  # by a file: what comes next says it better
                self._file.parent.mkdir(parents=True, exist_ok=True)
            self._written = _choose(self._file)
            self._hypertune = _library(self._written)

    def __call__(self, value: float, step: int) -> None:
        """Reports the metric's value after `step` epochs.

        Raises:
          DivergedError: the value is not finite; nothing is reported.
          StorageError: the file can no longer be written.
        """
        self.again([(value, step)])

    def again(self, reports: Iterable[tuple[float, int]]) -> None:
        """Reports values, each with its number of epochs, in one piece: as those of a run that goes on.

        Raises:
          DivergedError: a value is not finite; nothing is reported.
          StorageError: the file can no longer be written.
        """
        given = [(float(value), step) for value, step in reports]
        for value, step in given:
            if not math.isfinite(value):  # which the library would report, and no service can rank
                raise DivergedError(f"{self.metric.tag} is {value} after epoch {step}")
        with self._named_failures():
            for value, step in given:
                self._hypertune.report_hyperparameter_tuning_metric(self.metric.tag, value, global_step=step)
                self._reported.append((value, step))
            if given and self._written != self._file:
                _replace(self._written, self._file)

    @property
    def reported(self) -> list[tuple[float, int]]:
        """The values reported so far, and after how many epochs."""
        return [*self._reported]

    @contextlib.contextmanager
    def _named_failures(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or error
            raise StorageError(f"the metric file {self._file} cannot be written: {reason}") from error


def _choose(file: Path) -> Path:
    """Returns the file that the library writes: one beside, or where that cannot replace it, the file itself.

    It cannot where the file is mounted by itself, is a device or a pipe, or is in a folder that may not be written.

    Raises:
      OSError: neither can be written.
    """
    beside = file.with_name(f".{file.name}.part")
    if file.is_file() or not file.exists():
        with contextlib.suppress(OSError):
            if file.exists():
                shutil.copyfile(file, beside)
                _replace(beside, file)
            else:
                beside.touch()
                beside.unlink()
            return beside
    with file.open("ab"):
        return file


def _replace(beside: Path, file: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        shutil.copymode(file, beside)  # the same users may read it
    beside.replace(file)


def _library(file: Path) -> hypertune.HyperTune:
    """Returns the library's reporter, which learns from the environment alone what it writes."""
    before = os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = str(file)
    try:
        return hypertune.HyperTune()
    finally:
        if before is None:
            del os.environ[_VARIABLE]
        else:
            os.environ[_VARIABLE] = before
