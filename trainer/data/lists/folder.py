"""Folders of class folders: `train/cat/…`, `validation/…`, `test/…`, or `cat/…` alone."""

import os
from collections.abc import Iterator
from pathlib import Path

from trainer.data.lists.entries import Entry, part_named
from trainer.errors import UsageError

_NO_IMAGES = {"thumbs.db", "desktop.ini", "__macosx"}  # left by file managers


def read(root: Path) -> list[Entry]:
    """Returns the images of a folder: every file below a class folder, whatever its name; a hidden one is left out.

    Raises:
      UsageError: there is no class folder, a class has no image, or a file is where a class folder should be.
    """
    parts = {folder: part_named(folder.name) for folder in _folders(root)}
    if any(parts.values()):
        for folder, part in parts.items():
            if not part:
                raise UsageError(
                    f"{folder}: beside train, validation and test there may be no other folder. Received: {folder.name}"
                )
    else:
        parts = {root: ""}
    entries = [
        Entry(str(path), folder.name, f"{folder.name}/{path.relative_to(folder).as_posix()}", part or "")
        for above, part in parts.items()
        for folder in _folders(above)
        for path in _files(folder)
    ]
    if not entries:
        raise UsageError(f"{root}: must hold a folder of images for each class. Received: none")
    return entries


def empty_classes(root: Path) -> list[Path]:
    """Returns the class folders that hold no image."""
    above = [folder for folder in _folders(root) if part_named(folder.name)] or [root]
    return [folder for one in above for folder in _folders(one) if next(_files(folder), None) is None]


def _folders(root: Path) -> list[Path]:
    return sorted(path for path in root.iterdir() if path.is_dir() and not _is_hidden(path.name))


def _files(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root, followlinks=True):
        folders[:] = sorted(name for name in folders if not _is_hidden(name))
        yield from (Path(folder) / name for name in sorted(files) if not _is_hidden(name))


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in _NO_IMAGES
