"""Data sets that several runs of one machine share, so that each is read once."""

import dataclasses
import fcntl
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console

from trainer.data import Dataset, Split
from trainer.hparams import HParams, rule_of

Load = Callable[[HParams, Console], Dataset]

_PARTS = ("train", "validation", "test")


class Shared:
    """Reads a data set as `load` does, the first time; afterwards maps what that left in a folder.

    Processes that want the same one at the same time wait for the first of them.

    Args:
      folder: of this machine, empty at first; whoever made it removes it.
      load: reads a data set. One that is not in memory is left as it is.
    """

    def __init__(self, folder: Path, load: Load):
        self._folder, self._load = folder, load

    def load(self, hparams: HParams, screen: Console) -> Dataset:
        """Returns the data set, its images mapped from a file.

        Raises:
          UsageError: as `load`.
        """
        lock = os.open(self._folder / f"{_key(hparams)}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return self._find(self._folder / _key(hparams), hparams, screen)
        finally:
            os.close(lock)

    def _find(self, place: Path, hparams: HParams, screen: Console) -> Dataset:
        if not place.is_dir():
            dataset = self._load(hparams, screen)
            splits = [getattr(dataset, part) for part in _PARTS]
            if not all(isinstance(split, Split) for split in splits):
                return dataset
            partial = place.with_suffix(".partial")
            partial.mkdir()
            for part, split in zip(_PARTS, splits, strict=True):
                np.save(partial / f"{part}-images.npy", split.images)
                np.save(partial / f"{part}-labels.npy", split.labels)
            rest = {name: value for name, value in vars(dataset).items() if name not in _PARTS}
            (partial / "rest.json").write_text(json.dumps(rest))
            partial.rename(place)
        rest = json.loads((place / "rest.json").read_text())
        train, validation, test = (_mapped(place, part) for part in _PARTS)
        return Dataset(train, validation, test, **rest)


def _mapped(place: Path, part: str) -> Split:
    images, labels = (np.load(place / f"{part}-{name}.npy", mmap_mode="r") for name in ("images", "labels"))
    return Split(images, labels)


def _key(hparams: HParams) -> str:
    """Returns a name for what decides which images there are."""
    decisive = {f.name: getattr(hparams, f.name) for f in dataclasses.fields(hparams) if rule_of(f).group == "Data"}
    return hashlib.sha256(json.dumps({**decisive, "seed": hparams.seed}).encode()).hexdigest()[:16]
