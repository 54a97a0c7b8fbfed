"""A folder that shows each trial of a study as two of TensorBoard's runs: links to the files of its logs.

    study/hparams/events…               -> events…        the columns of the HParams page
    study/hparams/3/events…             -> 3/events…      the trial's row
    study/3/logs/events…                -> 3/events…      its text and graph
    study/3/logs/validation/events…     -> 3/events…      its validation curves, and the pictures of its end
    study/3/logs/train/events…          -> 3/train/events…  its training curves, under the same tags, and filters

Eight trials are 17 runs. Shown as they are stored, they are 33.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath

from trainer.tensorboard import experiment

_EVENTS, _PLUGINS = "tfevents", "plugins"  # of event files' names; a folder beside them, as for a trace
_LOGS, _TRAIN, _VALIDATION = "logs", "train", "validation"
_SKIPPED = {"checkpoints", "model"}  # of a run, which TensorBoard does not show


def has_study(folder: Path) -> bool:
    """Returns whether a folder is a study with a page of trials, or has one below it."""
    return next(_studies(folder), None) is not None


def links(folder: Path) -> dict[PurePath, Path]:
    """Returns the file for each link, by the link's path; the runs of no study keep their paths.

    Args:
      folder: with runs and studies.
    """
    folder = folder.absolute()
    studies = set(_studies(folder))
    found: dict[PurePath, Path] = {}
    for parent, name in _files(folder):
        study = next((one for one in [parent, *parent.parents] if one in studies), None)
        shown = _in_study(parent.relative_to(study)) if study else PurePath()
        if shown is None:
            continue
        place = (study or parent).relative_to(folder) / shown / name
        if place in found:  # event files that were begun in the same second
            place = place.with_name(f"{name}.{len(found)}")
        found[place] = parent / name
    return found


def update(view: Path, wanted: Mapping[PurePath, Path]) -> None:
    """Makes a folder's links those that are wanted; links of files that are gone are removed, and their folders."""
    for parent, _, files in os.walk(view, topdown=False):
        for file in files:
            if Path(parent, file).relative_to(view) not in wanted:
                Path(parent, file).unlink()
        if Path(parent) != view and not any(Path(parent).iterdir()):
            Path(parent).rmdir()
    for place, target in wanted.items():
        link = view / place
        if not link.is_symlink():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(target)


def _studies(folder: Path) -> Iterator[Path]:
    for parent, names, _ in os.walk(folder):
        names[:] = sorted(name for name in names if name not in _SKIPPED)
        if experiment.has_page(Path(parent)):
            yield Path(parent)


def _files(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yields the folder and the name of each file that TensorBoard may read."""
    for parent, names, files in os.walk(folder):
        names[:] = sorted(name for name in names if name not in _SKIPPED)
        if any(_EVENTS in file for file in files) or _PLUGINS in Path(parent).parts:
            for file in sorted(files):
                yield Path(parent), file


def _in_study(parent: PurePath) -> PurePath | None:
    """Returns where the files of a folder of a study are shown, in the study; None if they are not."""
    first, *rest = parent.parts or ("",)
    if first == experiment.PAGE:
        return PurePath(*rest)
    if rest[:1] != [_LOGS]:
        return parent
    if rest[1:2] == [_TRAIN]:
        return PurePath(first, *rest[1:])
    return PurePath(first) if rest[1:] in ([], [_VALIDATION]) else None
