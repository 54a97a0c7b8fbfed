"""What a run's files say about it: its record, its logs, the card of its model, its newest checkpoint."""

import dataclasses
import fcntl
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trainer import interpreter
from trainer.buckets.location import is_remote
from trainer.errors import UsageError
from trainer.hparams import CLASSES
from trainer.metrics import METRICS, Metric
from trainer.objectives import goals
from trainer.pages.run.fitting import fitting
from trainer.tensorboard import facts
from trainer.tensorboard.history import History, Points

RECORD, CARD, LATEST = "hparams.json", "model.json", "latest.json"
RUNNING, STOPPED, FINISHED, UNFINISHED = "running", "stopped", "finished", "not finished"

_TOO_MANY = "filters_all/"  # pictures for TensorBoard alone
_PARTS = ("train", "validation")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Folders:
    """The folders of a run on this machine; Vertex AI may set the last three.

    Attributes:
      root: with `hparams.json`.
      logs: TensorBoard's.
      checkpoints: with `latest.json`.
      model: with `model.json`.
    """

    root: Path
    logs: Path
    checkpoints: Path
    model: Path

    @classmethod
    def below(cls, root: Path) -> "Folders":
        """Returns the usual folders of a run."""
        return cls(root=root, logs=root / "logs", checkpoints=root / "checkpoints", model=root / "model")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shell:
    """What commands need that are to be pasted.

    Attributes:
      folder: in which they are run.
      python: the word that starts Python.
      model: the folder of the model.
      logs: the folder of the logs.
      sample: a file to classify, as an example; empty if there is none.
    """

    folder: str
    python: str
    model: str
    logs: str
    sample: str = ""

    @classmethod
    def here(cls, model: str, logs: str, sample: str = "") -> "Shell":
        """Returns what commands need in the folder of this process."""
        python = interpreter.word(sys.executable, Path.cwd(), os.environ.get("PATH"))
        return cls(folder=str(Path.cwd()), python=python, model=model, logs=logs, sample=sample)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """The facts of a run; what its files do not say is empty.

    Attributes:
      location: its folder, as the user names it.
      shell: what its commands need.
      state: `running`, `stopped`, `finished` or `not finished`.
      step: of the newest checkpoint.
      record: the content of `hparams.json`.
      card: the content of `model.json`.
      data: classes, numbers of samples, caveats.
      validation: the confusion of validation samples, and the worst mistakes.
      tested: the worst mistakes of test samples.
      cues: lines on classes that a watermark may decide.
      curves: scalars over the steps, by part (`train`, `validation`) and name.
      pictures: the last picture of each tag, a PNG file.
      left_out: how many pictures are left out since a page may not be larger.
      texts: texts of the log, by tag.
    """

    location: str
    shell: Shell
    state: str = UNFINISHED
    step: int = 0
    record: Mapping[str, Any]
    card: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    data: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    validation: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    tested: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    cues: Sequence[str] = ()
    curves: Mapping[str, Mapping[str, Points]] = dataclasses.field(default_factory=dict)
    pictures: Mapping[str, bytes] = dataclasses.field(default_factory=dict)
    left_out: int = 0
    texts: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def classes(self) -> Sequence[str]:
        """The names of the classes."""
        found: Sequence[str] = self.data.get("classes") or self.record.get("data", {}).get("classes", ())
        return found or self.card.get("classes", ())

    @property
    def target(self) -> str:
        """What a network learns of each sample: classes, labels or numbers."""
        return str(self.data.get("target") or self.card.get("target", {}).get("name", CLASSES))

    @property
    def samples(self) -> str:
        """The word for the samples, such as images."""
        return f"{self.data.get('kind', 'sample')}s"

    @property
    def configuration(self) -> Mapping[str, Any]:
        """The values of the flags."""
        found: Mapping[str, Any] = self.record["configuration"]
        return found

    @property
    def usual_metric(self) -> Metric:
        """The metric by which an epoch is the best if `--metric` names no other one."""
        return goals.BY_TARGET.get(self.target, goals.BY_TARGET[CLASSES])[0]

    @property
    def metric(self) -> Metric:
        """The metric by which an epoch is the best; the usual one where the record names none that is known."""
        return METRICS.get(str(self.configuration.get("metric")), self.usual_metric)

    @property
    def steps_per_epoch(self) -> int:
        """The number of steps of an epoch; 1 if it is not known."""
        return int(self.record.get("epoch", {}).get("steps") or 1)

    @property
    def epochs(self) -> int:
        """The number of epochs that are complete."""
        return len(self.curve("validation", "loss")) or self.step // self.steps_per_epoch

    def curve(self, part: str, name: str) -> list[tuple[float, float]]:
        """Returns a scalar over the epochs, as pairs of an epoch and a value."""
        points = self.curves.get(part, {}).get(name)
        return (
            [(step / self.steps_per_epoch, value) for step, value in zip(points[0], points[1], strict=True)]
            if points
            else []
        )

    def tagged(self, prefix: str) -> dict[str, bytes]:
        """Returns the pictures whose tags have a prefix, by the rest of the tag."""
        return {tag.removeprefix(prefix): found for tag, found in self.pictures.items() if tag.startswith(prefix)}


def read(folders: Folders, location: str, shell: Shell, *, is_finished: bool = False) -> Run:
    """Returns the facts of a run.

    Args:
      folders: of the run.
      location: its folder, as the user names it.
      shell: what its commands need.
      is_finished: whether the run is known to be finished; otherwise its checkpoint says so.

    Raises:
      UsageError: the folder holds no run, or its record cannot be read.
    """
    record = _record(folders.root, location)
    latest = _json(folders.checkpoints / LATEST)
    logs = {part: _history(folders.logs / part) for part in ("", *_PARTS)}
    found = {
        tag: content
        for log in logs.values()
        if log
        for tag, content in log.encoded.items()
        if not tag.startswith(_TOO_MANY)
    }
    pictures = fitting(found)
    state = FINISHED if is_finished or latest.get("result") else _state(folders.root, location)
    root, validation = logs[""], logs["validation"]
    return Run(
        location=location,
        shell=shell,
        state=state,
        step=int(latest.get("step", 0)),
        record=record,
        card=_json(folders.model / CARD) if state == FINISHED else {},
        data=root.facts.get(facts.DATA, {}) if root else {},
        validation=validation.facts.get(facts.VALIDATION, {}) if validation and state == FINISHED else {},
        tested=validation.facts.get(facts.TEST, {}) if validation and state == FINISHED else {},
        cues=validation.facts.get(facts.CUES, ()) if validation else (),
        curves={part: log.scalars for part in _PARTS if (log := logs[part])},
        pictures=pictures,
        left_out=len(found) - len(pictures),
        texts=root.texts if root else {},
    )


def _record(root: Path, location: str) -> dict[str, Any]:
    try:
        record = json.loads((root / RECORD).read_text())
        dict(record["configuration"])
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(
            "`--job_dir` must be the folder of a run or of a study. "
            f"Received: {location}, which contains neither {RECORD} nor study.json"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise UsageError(
            f"`--job_dir` must be the folder of a run or of a study. Received: {location} ({RECORD}: unreadable)"
        ) from None
    return dict(record)


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _history(folder: Path) -> History | None:
    try:
        return History(folder)
    except FileNotFoundError:
        return None


def _state(root: Path, location: str) -> str:
    """Returns whether a process trains in a folder: it has locked it then."""
    if is_remote(location):
        return UNFINISHED
    try:
        lock = os.open(root, os.O_RDONLY)
    except OSError:
        return UNFINISHED
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return RUNNING
    except OSError:  # a file system without locks
        return UNFINISHED
    finally:
        os.close(lock)
    return STOPPED
