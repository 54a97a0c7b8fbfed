"""Folders of class folders in a training and a test part: one fold of five is held back."""

import random
from collections.abc import Sequence
from pathlib import Path

FOLDS = 5


def folds(data: Path, seed: int) -> list[list[Path]]:
    """Returns the files of each fold, with each class spread over all folds."""
    found: list[list[Path]] = [[] for _ in range(FOLDS)]
    place = 0
    for folder in sorted(path for path in data.iterdir() if path.is_dir()):
        files = sorted(folder.iterdir())
        random.Random(seed).shuffle(files)
        for file in files:
            found[place % FOLDS].append(file)
            place += 1
    return found


def lay_out(folds: Sequence[Sequence[Path]], held_back: int, root: Path) -> None:
    """Creates folders `train` and `test` of links; `test` contains the fold that is held back."""
    for index, fold in enumerate(folds):
        for file in fold:
            link = root / ("test" if index == held_back else "train") / file.parent.name / file.name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(file.resolve())
