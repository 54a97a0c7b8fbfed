"""The models and checkpoints of finished runs: those of the best trials stay, the others are deleted."""

import shutil
from collections.abc import Collection, Sequence
from pathlib import Path

from trainer.study.local import layout
from trainer.study.screen.conclusion import ranked
from trainer.study.spec import Job
from trainer.study.trial import ENDED, Trial

_STATES = (".state", ".shared")  # of checkpoints; their manifests stay
_CARD = ("README.md", "model.json")
PREDICTING = (*_CARD, "model.keras")  # what a held-out sample can be looked at with


def keep_best(folder: Path, job: Job, trials: Sequence[Trial], count: int) -> None:
    """Deletes the models and checkpoints of the trials that have ended and are not among the best.

    A trial that has left the best never returns to them, since the result of an ended trial does not change. So the
    deletion can be repeated after a kill at any moment. Trials that run are not touched.

    Args:
      folder: of the study.
      job: the study's.
      trials: all of it, as recorded.
      count: how many of the best keep theirs; 0 keeps all.

    Raises:
      OSError: a file cannot be deleted.
    """
    if not count:
        return
    best = {trial.id for trial in ranked(job, trials)[:count]}
    for trial in trials:
        if trial.state in ENDED and trial.id not in best:
            delete(layout.folder(folder, trial.id))


def has_weights(root: Path) -> bool:
    """Returns whether the folder of a run has a checkpoint with weights."""
    return any((root / "checkpoints").glob("[0-9]*/*.state"))


def delete(root: Path, kept: Collection[str] = _CARD) -> None:
    """Deletes the weights in the folder of a run that has ended; its record, logs and manifests stay.

    Args:
      root: the folder.
      kept: the files of the model that stay.

    Raises:
      OSError: a file cannot be deleted.
    """
    for path in (root / "checkpoints").glob("[0-9]*/*"):
        if path.suffix in (*_STATES, ".partial"):
            path.unlink(missing_ok=True)
    for path in (root / "model").glob("*"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name not in kept and not path.name.startswith("sample."):
            path.unlink(missing_ok=True)
