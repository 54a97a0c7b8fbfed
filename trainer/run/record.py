"""The record of a run, `hparams.json`: what was asked for, and with what it was done."""

import json
import platform
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from trainer import files
from trainer.errors import UsageError
from trainer.hparams import HParams, differences

_NAME = "hparams.json"
_PACKAGES = ("trainer", "tensorflow", "keras", "numpy")


def check(root: Path, hparams: HParams) -> Mapping[str, Any]:
    """Makes sure that a folder holds no other run than this one, and returns this run's record.

    Returns:
      The content of `hparams.json`; empty where this run has not begun.

    Raises:
      UsageError: it holds a run of another configuration; the message lists what differs.
    """
    path = root / _NAME
    try:
        recorded = json.loads(path.read_text())
        former = dict(recorded["configuration"])
        dict(recorded["precision"])
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise UsageError(
            f"`--job_dir` must hold nothing or a run of this program. Received: {path}, unreadable"
        ) from None
    found = differences(former, hparams.configuration())
    if found:
        raise UsageError(
            f"`--job_dir` must be new, or hold a run of the same configuration. Received: {root} ({'; '.join(found)})"
        )
    return dict(recorded)


def make(hparams: HParams, precision: str, reason: str) -> dict[str, Any]:
    """Returns the configuration, the precision and why, the versions and, in a git work tree, the revision."""
    return {
        "configuration": hparams.configuration(),
        "precision": {"name": precision, "reason": reason},
        "versions": {"python": platform.python_version()} | {name: _version(name) for name in _PACKAGES},
        "git_revision": _revision(),
    }


def write(root: Path, record: Mapping[str, Any]) -> None:
    """Writes the record of a run.

    Raises:
      OSError: it cannot be written.
    """
    files.replace(root / _NAME, json.dumps(record, indent=2), "\n")


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:  # run from the source tree, not installed
        return None


def _revision() -> str | None:
    """Returns the commit that this package's own work tree stands at, or nothing where it was installed without one."""
    source = Path(__file__).parents[2]
    if not (source / ".git").exists():  # an environment inside another project's work tree is not this package's
        return None
    try:
        command = ["git", "-C", str(source), "rev-parse", "HEAD"]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
