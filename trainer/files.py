"""Files and folders: atomic writes, paths with a leading `~`, checks of a folder's content."""

import contextlib
import os
import re
from collections.abc import Collection
from pathlib import Path

from trainer.errors import UsageError

_NO_NAME = re.compile("[\0\ud800-\udc7f\udd00-\udfff]")  # surrogates from U+DC80 to U+DCFF are bytes that are not UTF-8
_NOTES = (".log", ".out", ".err", ".txt", ".sh", ".yaml", ".yml")


def replace(path: Path, *content: bytes | memoryview | str, durable: bool = False, partial: Path | None = None) -> None:
    """Writes a file atomically: its name refers to the former content until the new one is complete.

    Args:
      path: the file; its folder exists.
      content: its parts, in order; text is encoded as UTF-8.
      durable: whether the file also survives a power loss, which costs a sync to disk.
      partial: the file for unfinished content; by default `.<name>.partial` in the same folder.
        Processes that write the same file at the same time need one each.

    Raises:
      OSError: the file cannot be written; the former content is still there.
    """
    partial = partial or path.with_name(f".{path.name}.partial")
    parts = [part.encode() if isinstance(part, str) else part for part in content]
    try:
        with partial.open("wb") as file:
            file.writelines(parts)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        partial.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise
    if durable:
        _sync_folder(path.parent)


def expanded(path: str) -> str:
    """Returns a path with a leading `~` or `~user` expanded; other paths and gs://… are unchanged.

    A shell expands `~` at the start of a word, but not in `--data=~/photos`. `./~x` is a folder of that name; it
    becomes absolute, so that it is never expanded later.

    Raises:
      UsageError: there is no such user, no home folder, or no file can have such a name.
    """
    if path.startswith("./~"):
        return str(Path.cwd() / path)
    if _NO_NAME.search(path):
        raise UsageError(f"A path must be a valid name of a file. Received: {path}")
    whole = os.path.expanduser(path)  # noqa: PTH111  it leaves unknown users unchanged; pathlib raises an error
    if path.startswith("~") and whole == path and os.path.lexists(path):  # a file of that name
        return str(Path.cwd() / path)
    if path.startswith("~") and whole == path:
        raise UsageError(f"`~` must begin the home folder of an existing user, or be ./~. Received: {path}")
    return whole


def strangers(folder: Path, own: Collection[str]) -> list[str]:
    """Returns the sorted names of a folder that are not a program's own, without hidden files and notes.

    Notes are files that people add to the folder of a run: `train.log`, `nohup.out`, a script, a config.yaml.

    Args:
      folder: the folder to which the program writes; a folder that does not exist is empty.
      own: the names of the program's own files in it.

    Raises:
      OSError: it cannot be read.
    """
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if not (entry.is_file() and entry.name.endswith(_NOTES))]
            return sorted(name for name in names if name not in own and not name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # a mounted bucket's folders cannot be synced
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
