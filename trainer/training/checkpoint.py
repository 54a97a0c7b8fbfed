"""What a stopped run goes on from: the model's and the optimizer's state after a step."""

import hashlib
import io
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

_LATEST = "latest.json"
_STATE = "state.npz"


class SaveCheckpoint(keras.callbacks.Callback):
    """Saves at the end of each epoch.

    Args:
      folder: the run's checkpoint folder.
      variables: the state; see `save`.
      steps_per_epoch: steps in each epoch.
    """

    def __init__(self, folder: Path, variables: Sequence[keras.Variable], steps_per_epoch: int):
        super().__init__()
        self._folder, self._variables, self._steps_per_epoch = folder, variables, steps_per_epoch

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        save(self._folder, (epoch + 1) * self._steps_per_epoch, self._variables)


def save(folder: Path, step: int, variables: Sequence[keras.Variable]) -> None:
    """Writes the variables' values below `<folder>/<step>/`, then `latest.json`, then removes older checkpoints.

    A reader of `latest.json` sees the former checkpoint or this one, never half of one.
    """
    target = folder / str(step) / _STATE
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez(file, *(variable.numpy() for variable in variables))
    with partial.open("rb") as file:
        checksum = hashlib.file_digest(file, "sha256").hexdigest()
    size = partial.stat().st_size
    partial.replace(target)
    manifest = {
        "step": step,
        "file": f"{step}/{_STATE}",
        "size": size,
        "sha256": checksum,
    }
    _replace_text(folder / _LATEST, json.dumps(manifest, indent=2) + "\n")
    for other in folder.iterdir():
        if other.name.isdecimal() and int(other.name) != step:
            shutil.rmtree(other)


def restore_latest(folder: Path, variables: Sequence[keras.Variable]) -> int:
    """Gives the variables the values of the newest checkpoint and returns its step; 0 where there is none.

    A checkpoint that is not what was written counts as none.

    Args:
      folder: the run's checkpoint folder.
      variables: as many, and of the same shapes, as were saved.
    """
    try:
        manifest = json.loads((folder / _LATEST).read_text())
        content = (folder / manifest["file"]).read_bytes()
        if hashlib.sha256(content).hexdigest() != manifest["sha256"]:
            return 0
        step = int(manifest["step"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        for variable, name in zip(variables, arrays.files, strict=True):
            variable.assign(arrays[name])
    return step


def _replace_text(path: Path, text: str) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(text)
    partial.replace(path)
