"""Folders of class folders: `cat/…`, or `train/cat/…`, `validation/…`, `test/…`, or `cat/train/…`."""

import dataclasses
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from trainer.data.lists import frames
from trainer.data.lists.entries import FRAMES, TEST, TRAIN, VALIDATION, WHOLE, Entry
from trainer.data.lists.parts import of_folder, part_of
from trainer.data.lists.text import normal
from trainer.errors import UsageError, one_line

# Files of file managers, network disks and operating systems, in lower case.
_SYSTEM = {
    *("thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx", "@eadir", "#recycle", "@recycle", "#snapshot"),
    *("@tmp", "@recently-snapshot", "~snapshot", "$recycle.bin", "recycler", "system volume information", "lost+found"),
    *("network trash folder", "temporary items", "__pycache__"),
}
# Files of a run, a study and converted shards, and what is next to them.
_OUTPUTS = {
    "hparams.json": ("logs", "checkpoints", "model"),
    "study.json": ("*/hparams.json",),
    "dataset.json": ("*.tfrecord",),
}
_SHOWN = 3  # names of each kind in the line about ignored files
_FIRST = (TEST, VALIDATION, TRAIN, "")  # of a file in two parts, the one in the test part is kept

Identity = tuple[int, int]  # of a file or a folder: its device and its number there


@dataclasses.dataclass(frozen=True)
class _Class:
    """A class folder, or its folder for one part.

    Attributes:
      top: the class folder, which the class is named after.
      path: where the files are: the class folder, or its folder for a part.
      part: which part they belong to; empty where they are still to be split.
    """

    top: Path
    path: Path
    part: str


class _Passed:
    """Ignored files and folders, by kind."""

    def __init__(self, root: Path):
        self._root = root
        self._paths: dict[str, list[str]] = defaultdict(list)

    def add(self, kind: str, path: Path) -> None:
        self._paths[kind].append(path.relative_to(self._root).as_posix())

    def __contains__(self, path: Path) -> bool:
        """Whether a folder, or something in it, is ignored."""
        name = path.relative_to(self._root).as_posix()
        return any(one == name or one.startswith(f"{name}/") for paths in self._paths.values() for one in paths)

    def __str__(self) -> str:
        """Returns them in one line; empty if nothing was ignored."""
        kinds = []
        for kind, paths in self._paths.items():
            more = f" and {len(paths) - _SHOWN:,} more" if len(paths) > _SHOWN else ""
            kinds.append(f"{', '.join(paths[:_SHOWN])}{more} ({kind})")
        return "; ".join(kinds)


def read(root: Path, log: Callable[[str], object] = lambda line: None, *, has_videos: bool = False) -> list[Entry]:
    """Returns the images of a folder: every file below a class folder, whatever its name, each file once.

    Hidden files, system files, the output of this program and links to folders of the data are ignored.

    Args:
      root: the folder.
      has_videos: whether a folder that holds image files is one sample, a video, and these are its frames.
      log: receives one line about ignored files, and one about a part's name that is a class.

    Raises:
      UsageError: there is no class folder, a folder cannot be read, it is unclear which folders are parts
        and which are classes, or the frames of a video are in the class folder itself.
    """
    passed = _Passed(root)
    try:
        classes = _class_folders(root, passed, log)
        entries = _entries(root, classes, passed, has_videos)
    except OSError as error:
        raise UsageError(
            f"{error.filename or root}: must be a folder that can be read. Received: {error.strerror}"
        ) from None
    if str(passed):
        log(one_line(f"ignored in {root}: {passed}"))
    if not entries:
        raise UsageError(f"{root}: must contain a folder of samples for each class. Received: none")
    if len({entry.label for entry in entries}) == 1:
        _refuse_nested(root, next(one.top for one in classes if normal(one.top.name) == entries[0].label))
    if not any(entry.part for entry in entries):
        _log_names(root, entries, log)
    return entries


def empty_classes(root: Path) -> list[Path]:
    """Returns the class folders that hold no image."""
    passed = _Passed(root)
    classes = _class_folders(root, passed, lambda line: None)
    filled = {(entry.part, entry.label) for entry in _entries(root, classes, passed, False)}
    return [one.path for one in classes if (one.part, normal(one.top.name)) not in filled and one.path not in passed]


def is_passed_over(path: Path) -> bool:
    """Returns whether a file or folder is hidden, an operating system's, or this program's output."""
    return _is_system(path.name) or _is_output(path)


def _class_folders(root: Path, passed: _Passed, log: Callable[[str], object]) -> list[_Class]:
    """Returns the class folders, each with the part that a folder's name gives."""
    folders = _folders(root, passed)
    parts = _parts(folders)
    classes = {folder: _class_folders_of(folder, passed) for folder in parts}
    if not any(classes.values()):  # images and no class folders in `valid` or `test`
        if len(parts) < len(folders):
            for folder in parts:
                log(one_line(f"{folder}: read as a class, not as a part, as it has no class folders"))
            parts = {}
        elif parts:
            raise UsageError(f"{min(parts)}: must contain a folder of samples for each class. Received: none")
    if not parts:
        return [one for folder in folders for one in _with_inner_parts(folder, folders, passed)]
    for folder in folders:
        if folder not in parts:
            raise UsageError(
                f"{root}: must contain no other folder next to train, validation and test; rename a class "
                f"with such a name. Received: {folder.name}"
            )
        if not classes[folder]:
            passed.add("without class folders", folder)
    return [_Class(one, one, part) for folder, part in parts.items() for one in classes[folder]]


def _parts(folders: Sequence[Path]) -> dict[Path, str]:
    """Returns the folders named after parts; a word within a name counts if other folders have other parts.

    So `test_tube` is a class, but `training_set` and `test_set` together are parts.
    """
    plain = {folder: part for folder in folders if (part := part_of(folder.name))}
    words = {folder: part for folder in folders if (part := of_folder(folder.name))}
    return words if TRAIN in words.values() and len({*words.values()}) > 1 else plain


def _class_folders_of(part: Path, passed: _Passed) -> list[Path]:
    """Returns the folders in a part's folder, or in its only folder, as in `test_set/test_set/…`."""
    found = _folders(part, passed)
    is_again = len(found) == 1 and of_folder(found[0].name) == of_folder(part.name)
    return _folders(found[0], passed) if is_again else found


def _with_inner_parts(folder: Path, folders: Sequence[Path], passed: _Passed) -> list[_Class]:
    """Returns a class folder, or its folders for parts if all class folders have them, as in `cat/train/…`."""
    inner = [*_parts(_folders(folder, passed, quietly=True)).items()]
    if not inner:
        return [_Class(folder, folder, "")]
    for each in folders:
        for path in sorted(each.iterdir()):
            if not _is_system(path.name) and not of_folder(path.name) and not _is_output(path):
                raise UsageError(
                    f"{inner[0][0]}: class folders with folders of parts must contain nothing else. Received: {path}"
                )
    return [_Class(folder, one, part) for one, part in inner]


def _entries(root: Path, classes: Sequence[_Class], passed: _Passed, has_videos: bool) -> list[Entry]:
    """Returns the files of class folders, or the folders of frames in them."""
    data = {_identity(path) for path in (*root.resolve().parents, root)}
    data |= {_identity(path) for one in classes for path in (one.path, one.path.parent, one.path.parent.parent)}
    seen: dict[tuple[Identity, str], Path] = {}  # a file in two classes stays in both, since one of them is wrong
    entries = []
    for one in sorted(classes, key=lambda one: _FIRST.index(one.part)):
        label = normal(one.top.name)
        for path, identity, length in _files(one.path, data, passed, has_videos):
            if any(identity) and seen.setdefault((identity, label), path) != path:
                passed.add("files that are read already", path)
            else:
                name = f"{one.top.name}/{path.relative_to(one.top).as_posix()}"
                entries.append(Entry(str(path), label, name, one.part, length=length))
    return entries


def _files(
    folder: Path, data: set[Identity], passed: _Passed, has_videos: bool
) -> Iterator[tuple[Path, Identity, int]]:
    """Yields the files, or folders of frames, below a class folder in the order of their names; see `Entry.length`."""
    visited = {_identity(folder)}
    waiting = [folder]
    while waiting:
        above = waiting.pop()
        with os.scandir(above) as found:
            children = sorted(found, key=lambda child: child.name)
        if above != folder and _is_output(above):
            passed.add("output", above)
            continue
        video = _frames(above, folder) if has_videos else set()
        if video:
            yield above, _identity(above), FRAMES
        below = []
        for child in children:
            if _is_system(child.name):
                if not child.name.startswith("."):
                    passed.add("system", Path(child.path))
            elif _is_folder(child):
                identity = _identity(Path(child.path))
                if identity in visited or identity in data:
                    passed.add("links to folders that are read already", Path(child.path))
                else:
                    visited.add(identity)
                    below.append(Path(child.path))
            elif _is_sample(child, video, passed):
                yield Path(child.path), _identity(Path(child.path)), WHOLE
        waiting += reversed(below)


def _frames(folder: Path, top: Path) -> set[str]:
    """Returns the names of the frames of a video; none if a folder is not a video.

    Raises:
      UsageError: it is the class folder itself.
    """
    found = frames.names(folder)
    if found and folder == top:
        more = f" and {len(found) - 1:,} more images" if len(found) > 1 else ""
        raise UsageError(
            f"{folder}: with `--rank=3` a class folder must contain a folder of frames for each video. "
            f"Received: {found[0]}{more}"
        )
    return {*found}


def _is_sample(child: os.DirEntry[str], video: set[str], passed: _Passed) -> bool:
    """Returns whether a file is a sample, not a frame of a video or a file next to frames."""
    if not child.is_symlink() and not child.is_file():
        passed.add("not a file", Path(child.path))  # reading a pipe might never end
        return False
    if video and child.name not in video:
        passed.add("next to frames", Path(child.path))
    return not video  # a broken link is reported when it is read


def _folders(root: Path, passed: _Passed, *, quietly: bool = False) -> list[Path]:
    """Returns the folders in a folder that may be parts or classes."""
    found = []
    for path in sorted(path for path in root.iterdir() if path.is_dir()):
        is_system = _is_system(path.name)
        if not is_system and not _is_output(path):
            found.append(path)
        elif not quietly and not path.name.startswith("."):
            passed.add("system" if is_system else "output", path)
    return found


def _is_folder(child: os.DirEntry[str]) -> bool:
    try:
        return child.is_dir()
    except OSError:  # a link to itself
        return False


def _is_system(name: str) -> bool:
    """Returns whether a file or folder is hidden, or left by a file manager or an operating system."""
    return name.startswith(".") or name.lower() in _SYSTEM


def _is_output(path: Path) -> bool:
    """Returns whether a folder is this program's output."""
    return any(
        (path / name).is_file() and any(True for pattern in beside for _ in path.glob(pattern))
        for name, beside in _OUTPUTS.items()
    )


def _identity(path: Path) -> Identity:
    """Returns the identity of a file or a folder, the same for all links to it; zeros for a broken link."""
    try:
        status = path.stat()
    except OSError:  # a broken link, which is reported when it is read
        return 0, 0
    return status.st_dev, status.st_ino


def _log_names(root: Path, entries: Sequence[Entry], log: Callable[[str], object]) -> None:
    """Logs that file names such as `test_1.png` do not decide the part, if they look as if they should."""
    words = {part_of(re.split(r"[-_. ]", Path(entry.name).name)[0]): entry.name for entry in reversed(entries)}
    if {TRAIN, TEST} <= {*words}:
        log(one_line(f"{root}: {words[TEST]} and such file names decide no part; use folders or a manifest"))


def _refuse_nested(root: Path, folder: Path) -> None:
    """Raises a `UsageError` if a folder's only class folder seems to contain the class folders."""
    below = [path for path in folder.iterdir() if path.is_dir() and not _is_system(path.name)]
    if len(below) > 1:
        raise UsageError(
            f"`--data` must contain at least two class folders. Received: {root}, which contains only {folder.name}; "
            f"did you mean `--data={folder}`?"
        )
