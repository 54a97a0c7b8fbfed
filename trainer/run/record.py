"""The record of a run, `hparams.json`: what was asked for, and with what it was done."""

import dataclasses
import json
import platform
import subprocess
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from trainer import files, interpreter
from trainer.buckets.location import is_remote
from trainer.data import Fingerprint
from trainer.errors import UsageError
from trainer.hparams import AUGMENTATIONS, AUTO, PRECISIONS, HParams, differences, given, rule_of

OUTCOME = "outcome"  # of a record: what a finished run has reached

_NAME = "hparams.json"
_SHOWN = 4  # changes of the data in a message
_AMOUNT = ("epochs", "batch_size", "patience")  # where they are 0, the record has what the recipe made of them
_FOLDERS = ("logs", "checkpoints", "model")  # of a run
_OF_FOLDS = ("folds", "folds.json", "suspects.csv", "suspects.html")  # of a cross-validation
# The distribution of each package.
_PACKAGES = {"trainer": interpreter.DISTRIBUTION, "tensorflow": "tensorflow", "keras": "keras", "numpy": "numpy"}
_SPOKEN_FOR = ("python", "trainer", "instructions", "cores")  # they change no sum, or go with the CPU and its threads


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
        _check_choices(recorded)
        Fingerprint.read(recorded.get("data", {}))
    except (FileNotFoundError, NotADirectoryError):
        if hparams.job_dir and not is_remote(hparams.job_dir):
            _check_unused(root, (*_FOLDERS, *_OF_FOLDS) if hparams.folds_before else _FOLDERS)
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise UsageError(
            f"`--job_dir` must be empty or contain a run of this program. Received: {path}, unreadable"
        ) from None
    wanted = {name: value for name, value in hparams.configuration().items() if name not in _open(recorded, hparams)}
    wanted.pop("epochs", None)  # which `length.decide` compares: a run can be given more
    if hparams.metric == AUTO:
        wanted.pop("metric")  # which the run keeps
    if not former.get("patience"):
        wanted.pop("patience", None)  # of `--epochs=auto`, which this run has not begun with
    if "data" in recorded:  # its fingerprint, which `check_data` compares: the same data may have moved
        del wanted["data"], wanted["drop"]
    found = differences(former, wanted)
    if found:
        raise UsageError(
            "`--job_dir` must be new, or contain a run of the same configuration. "
            f"Received: {root} ({'; '.join(found)})"
        )
    return dict(recorded)


def _open(recorded: Mapping[str, Any], hparams: HParams) -> set[str]:
    """Returns the flags that are not given: the record has what the recipe has made of them."""
    amount = {name for name in _AMOUNT if not getattr(hparams, name)}
    others: set[str] = set(recorded.get("recipe", {}).get("values", ())) - given(hparams)
    return amount | others.difference(_AMOUNT)


def _check_choices(recorded: Mapping[str, Any]) -> None:
    """Raises `ValueError`, `KeyError` or `TypeError` where a record lacks the choices that a run resumes with."""
    augmentation = recorded.get("augmentation", {"preset": "none", "reason": ""})
    PRECISIONS.index(recorded["precision"]["name"])
    AUGMENTATIONS.index(augmentation["preset"])
    if not all(isinstance(one["reason"], str) for one in (recorded["precision"], augmentation)):
        raise TypeError
    dict(recorded.get("epoch", {}))
    recipe = recorded.get("recipe", {"name": "", "reason": "", "values": {}})
    is_whole = isinstance(recipe.get("epochs", 0), int)
    if not (is_whole and isinstance(recipe["name"], str) and isinstance(recipe["reason"], str)):
        raise TypeError
    known = {field.name: field for field in dataclasses.fields(HParams)}
    if not all(rule_of(known[name]).allows(value) for name, value in recipe["values"].items()):
        raise ValueError


def _check_unused(root: Path, own: Sequence[str]) -> None:
    """Checks that a folder without a record holds nothing that is no run's, but hidden files and logs of a screen.

    Raises:
      UsageError: it does, as a folder of samples or of another program.
    """
    found = files.strangers(root, own)
    if not found and not (root / "checkpoints" / "latest.json").exists():
        found = [f"{name}/{one}" for name in _FOLDERS for one in files.strangers(root / name, ())]
    if found:
        raise UsageError(
            f"`--job_dir` must be new, empty, or contain a run. Received: {root}, which contains {found[0]}"
        )


def check_data(former: Mapping[str, Any], data: Fingerprint, name: str) -> None:
    """Makes sure that a run resumes with the data that it began with.

    Args:
      former: the record of the run; empty where it has not begun.
      data: the data set's fingerprint.
      name: what `--data` names.

    Raises:
      UsageError: the data changed; the message says in what.
    """
    if "data" in former and data.checksums:
        changes = data.changes(Fingerprint.read(former["data"]))
        if changes:
            more = f"; and {len(changes) - _SHOWN:,} more changes" if len(changes) > _SHOWN else ""
            raise UsageError(
                f"`--data` must be the data of the run in `--job_dir`; use another folder for other data. "
                f"Received: {name} ({'; '.join(changes[:_SHOWN])}{more})"
            )


def check_source(former: Mapping[str, Any], now: Mapping[str, str], model: str) -> None:
    """Makes sure that a run resumes with the files of a user's own network that it began with.

    Args:
      former: the record of the run; empty where it has not begun.
      now: the checksums of the files, by name.
      model: what `--model` names.

    Raises:
      UsageError: a file changed, is new, or is gone; the message names it.
    """
    was = former.get("source", {}) if former else now
    changed = sorted(name for name in {*was, *now} if was.get(name) != now.get(name))
    if changed:
        more = f"; and {len(changed) - _SHOWN:,} more" if len(changed) > _SHOWN else ""
        raise UsageError(
            "`--model` must be the network of the run in `--job_dir`; use another folder for a changed network. "
            f"Received: {model} (changed: {', '.join(changed[:_SHOWN])}{more})"
        )


def make(
    hparams: HParams,
    data: Fingerprint,
    precision: str,
    reason: str,
    *,
    epoch: Mapping[str, int] | None = None,
    machine: Mapping[str, Any] | None = None,
    source: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Returns the configuration and what else decides the weights, to the bit; in a git work tree, the revision too.

    Args:
      hparams: what is trained.
      data: the data set's fingerprint.
      precision: its name.
      reason: why that one.
      epoch: the steps of an epoch, and its samples.
      machine: what decides how sums are rounded.
      source: the checksums of the files of a user's own network, by name; recorded where there are any.
    """
    return {
        "configuration": hparams.configuration(),
        "data": data.content(),
        "precision": {"name": precision, "reason": reason},
        "epoch": dict(epoch or {}),
        "machine": dict(machine or {}),
        **({"source": dict(source)} if source else {}),
        "versions": {"python": platform.python_version()} | {name: _version(_PACKAGES[name]) for name in _PACKAGES},
        "git_revision": _revision(),
    }


def check_steps(former: Mapping[str, Any], steps: int, root: str) -> None:
    """Makes sure that an epoch of a run that resumes has as many steps as it had.

    It has not if samples are left out, or if the run began with a version that did not train on part batches.

    Args:
      former: the record of the run; empty where it has not begun.
      steps: of an epoch now.
      root: the run's folder, for a person.

    Raises:
      UsageError: it has not.
    """
    epoch = former.get("epoch", {})
    was = epoch.get("steps", steps)
    if was == steps - 1 and epoch.get("left_out"):
        raise UsageError(
            "`--job_dir` must be new if its run began with a version that left out the samples that do not fill a "
            f"batch. Received: {root} ({was} steps in an epoch then, {steps} now)"
        )
    if was != steps:
        raise UsageError(
            "`--job_dir` must be new if `--skip_broken=yes` leaves out so many samples that an epoch has another "
            f"number of steps. Received: {root} ({was} steps then, {steps} now)"
        )


def changes(former: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Returns in what a run's record and one made now differ that decides how sums are rounded, each `name was, is`."""
    there, here = ({**one.get("machine", {}), **one.get("versions", {})} for one in (former, now))
    names = [name for name in here if name in there and name not in _SPOKEN_FOR and there[name] != here[name]]
    return [f"{name} {there[name]} then, {here[name]} now" for name in names]


def write(root: Path, record: Mapping[str, Any]) -> None:
    """Writes the record of a run.

    Raises:
      OSError: it cannot be written.
    """
    files.replace(root / _NAME, json.dumps(record, indent=2), "\n")


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
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
