"""Files written whole: a reader sees the former content or the new one, never a part."""

import contextlib
import os
from pathlib import Path


def replace(path: Path, *content: bytes | memoryview | str, durable: bool = False, partial: Path | None = None) -> None:
    """Writes a file whose name stands for the former content until the new one is complete.

    Args:
      path: the file; its folder exists.
      content: its parts, in order; text is encoded as UTF-8.
      durable: whether the file also survives a loss of power, which takes the time of a sync to the disk.
      partial: holds the new content until it is complete; by default `.<name>.partial` beside the file. Processes that
        write the same file at the same time need one each.

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


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # a mounted bucket's folders cannot be synced
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
