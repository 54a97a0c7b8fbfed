"""How a trial ended: its state and a reason, from its exit status and the end of its log."""

import dataclasses
import json
import signal
from collections.abc import Sequence
from pathlib import Path

from trainer.study.trial import INFEASIBLE, SUCCEEDED, Measurement, Trial

RETRIED = (134, -signal.SIGABRT, 139, -signal.SIGSEGV)  # which the service starts again too

_DIVERGED = 3
_RECORD = "hparams.json"  # of a run
_LINES = 12  # of a log
OURS = "trainer: "  # how a line begins that says why


def judge(
    status: int, measurements: Sequence[Measurement], metric: str, was_stopped: bool, log: str
) -> tuple[str, str]:
    """Returns a trial's state, and why it is infeasible or nothing.

    Args:
      status: its exit status; below 0, minus the number of the signal that it died of.
      measurements: what it reported.
      metric: what it should have.
      was_stopped: whether a rule stopped it.
      log: its last lines.
    """
    if was_stopped and measurements:
        return SUCCEEDED, ""
    if status == 0:
        return (SUCCEEDED, "") if measurements else (INFEASIBLE, f"no {metric} was reported")
    said = [line.removeprefix(OURS) for line in log.splitlines() if line.startswith(OURS)]
    if status < 0:
        number = signal.Signals(-status).name
        return INFEASIBLE, f"killed by {number}" + (" (out of memory?)" if -status == signal.SIGKILL else "")
    why = said[-1] if said else next((line.strip() for line in reversed(log.splitlines()) if line.strip()), "")
    head = "diverged" if status == _DIVERGED else f"exit status {status}"
    return INFEASIBLE, f"{head}: {why}" if why else head


def last_lines(log: Path) -> str:
    """Returns the end of a log, or nothing if there is no log."""
    try:
        with log.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - 16_384))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-_LINES:])
    except OSError:
        return ""


def with_record(trial: Trial, root: Path) -> Trial:
    """Returns a trial with what its own record, `hparams.json`, says of its validation samples and its network.

    A trial of another program has no such record, and keeps zeros.

    Args:
      trial: which has begun.
      root: its folder.
    """
    try:
        record = json.loads((root / _RECORD).read_bytes())
        counts = record["data"]["counts"]["validation"], record["network"]["parameters"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return trial
    if not all(type(count) is int and count >= 0 for count in counts):
        return trial
    return dataclasses.replace(trial, validated=counts[0], network_parameters=counts[1])
