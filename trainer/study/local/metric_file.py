"""Reads the reports of a trial from the file of cloudml-hypertune, while the trial writes it."""

import json
import math
from pathlib import Path
from typing import NamedTuple

from trainer.training.metric import RESERVED

_ATTEMPTS = 5  # to read the same twice; what is missed now is read the next time


class Report(NamedTuple):
    """One report of a metric.

    Attributes:
      step: the program's, epochs here.
      value: finite.
      timestamp: when, in seconds since 1970.
    """

    step: int
    value: float
    timestamp: float


class MetricFile:
    """Collects a metric's reports from a file with the last 100 entries, which is rewritten for each.

    Args:
      path: of the file, which need not be there yet.
      tag: the metric.
    """

    def __init__(self, path: Path, tag: str):
        if tag in RESERVED:
            raise ValueError(f"`tag` must not be one of {', '.join(RESERVED)}. Received: {tag}")
        self._path, self._tag = path, tag
        self._found: dict[tuple[int, float], Report] = {}

    def read(self) -> list[Report]:
        """Returns all reports so far, by step and then by time. To be called once more when the trial has ended.

        Lines that are torn, of other metrics, or not finite are left out. A trial that resumes after it was killed
        reports its former epochs again, at another time.
        """
        reports = [_parse(line, self._tag) for line in self._content().splitlines()]
        self._found |= {(report.step, report.timestamp): report for report in reports if report}
        return [self._found[key] for key in sorted(self._found)]

    def _content(self) -> bytes:
        """Returns the content of the file, or nothing if it changes all the time.

        The library rewrites the file without a rename. Reading during a change may return a line of two halves that is
        valid but was never written. Two equal reads exclude that.
        """
        try:
            before = self._path.read_bytes()
            for _ in range(_ATTEMPTS):
                now = self._path.read_bytes()
                if now == before:
                    return now
                before = now
        except FileNotFoundError:
            pass
        return b""


def _parse(line: bytes, tag: str) -> Report | None:
    try:
        entry = json.loads(line)
        report = Report(int(float(entry["global_step"])), float(entry[tag]), float(entry["timestamp"]))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
    return report if math.isfinite(report.value) and math.isfinite(report.timestamp) else None
