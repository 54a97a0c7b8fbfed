"""Data sets shared by several runs on one machine, so that each is read once."""

import fcntl
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console

from trainer.data.dataset import Dataset
from trainer.data.fingerprint import Fingerprint
from trainer.data.form import Form
from trainer.data.lists.entries import PARTS
from trainer.data.stores.memory import Memory
from trainer.hparams import HParams

Load = Callable[[HParams, Console], Dataset]


class Shared:
    """Loads a data set once, and afterwards maps the saved result from a folder.

    Processes that need the same one at the same time wait for the first.

    Args:
      folder: a folder of this machine, initially empty; the caller that created it removes it.
      load: loads a data set. A data set that is not in memory is returned unchanged, and so is that of a fold, since
        only one run needs it.
    """

    def __init__(self, folder: Path, load: Load):
        self._folder, self._load = folder, load

    def load(self, hparams: HParams, screen: Console) -> Dataset:
        """Returns the data set, its samples mapped from a file.

        Raises:
          UsageError: as `load`.
        """
        lock = os.open(self._folder / f"{_key(hparams)}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return self._find(self._folder / _key(hparams), hparams, screen)
        finally:
            os.close(lock)

    def _find(self, folder: Path, hparams: HParams, screen: Console) -> Dataset:
        if not folder.is_dir():
            dataset = self._load(hparams, screen)
            if hparams.folds != "0" or not all(getattr(dataset, part).arrays() for part in PARTS):
                return dataset
            partial = folder.with_suffix(".partial")
            partial.mkdir()
            _write(dataset, partial)
            partial.rename(folder)
        return _map(folder)


def _write(dataset: Dataset, folder: Path) -> None:
    for part in PARTS:
        for name, array in getattr(dataset, part).arrays().items():
            np.save(folder / f"{part}-{name}.npy", array)
    rest = {"classes": dataset.classes, "class_names": dataset.class_names, "data": dataset.fingerprint.content()}
    rest |= {"form": dataset.form.to_json(), "target": dataset.target}
    (folder / "rest.json").write_text(json.dumps(rest))


def _map(folder: Path) -> Dataset:
    def mapped(part: str) -> Memory:
        samples, targets = (np.load(folder / f"{part}-{name}.npy", mmap_mode="r") for name in ("samples", "targets"))
        return Memory(samples, targets, form)

    rest = json.loads((folder / "rest.json").read_text())
    form = Form.from_json(rest["form"])
    train, validation, test = map(mapped, PARTS)
    fingerprint = Fingerprint.read(rest["data"])
    names = rest["class_names"]
    return Dataset(train, validation, test, rest["classes"], names, fingerprint, target=rest["target"])


def _key(hparams: HParams) -> str:
    """Returns a name for the hyperparameters that determine which samples are read."""
    return hashlib.sha256(json.dumps(hparams.selection()).encode()).hexdigest()[:16]
