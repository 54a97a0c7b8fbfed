"""A folder of frames, which is one video: image files in the order of the numbers in their names."""

import errno
import os
import re
from collections.abc import Iterable
from pathlib import Path

from trainer.data.kinds import archive
from trainer.data.kinds.known import BY_RANK
from trainer.data.lists.natural import natural

_IMAGE, _VOLUME = 2, 3  # ranks
_VOLUMES = BY_RANK[_VOLUME].suffixes
_SUFFIXES = tuple(one for one in BY_RANK[_IMAGE].suffixes if one not in _VOLUMES)


def among(names: Iterable[str]) -> list[str]:
    """Returns which names of a folder's files are frames, in their order; none where a file is a volume by itself."""
    listed = [name for name in names if not name.startswith(".")]
    if any(name.lower().endswith(_VOLUMES) for name in listed):
        return []
    return sorted((name for name in listed if name.lower().endswith(_SUFFIXES)), key=lambda name: (natural(name), name))


def names(folder: str | Path) -> list[str]:
    """Returns the names of a folder's frames, in their order.

    Raises:
      OSError: it is no folder, or cannot be read.
    """
    with os.scandir(folder) as found:
        return among(child.name for child in found if child.is_symlink() or child.is_file())


def is_one(path: str) -> bool:
    """Returns whether a path that a list names is a folder; of a path that ends as an image's does nobody asks."""
    return not path.lower().endswith(_SUFFIXES) and os.path.isdir(path)  # noqa: PTH112  of each of very many


def seem_meant(names: Iterable[str]) -> bool:
    """Returns whether all files of a data set, each by its path from the class folder on, are called frames."""
    return all(re.search(r"/.+/frame[-_ ]?\d+\.\w+$", name, re.IGNORECASE) for name in names)


def read(folder: str, most: int | None = None) -> bytes:
    """Returns the frames as one content, `trainer.data.kinds.archive`; of each frame at most its first bytes.

    Raises:
      OSError: there is none, or one cannot be read.
    """
    found = names(folder)
    if not found:
        raise OSError(errno.ENOENT, f"no frames ({', '.join(_SUFFIXES)})", folder)
    return archive.joined((name, _start(folder, name, most)) for name in found)


def length(folder: str) -> int:
    """Returns the number of bytes that `read` returns of whole frames.

    Raises:
      OSError: as `read`.
    """
    return archive.length(os.stat(os.path.join(folder, name)).st_size for name in names(folder))  # noqa: PTH116, PTH118


def stamp(folder: str) -> tuple[int, int]:
    """Returns what changes where a frame does: the bytes of all, and when the last of them was changed.

    Raises:
      OSError: as `read`.
    """
    stats = [os.stat(os.path.join(folder, name)) for name in names(folder)]  # noqa: PTH116, PTH118
    changed = [Path(folder).stat().st_mtime_ns, *(one.st_mtime_ns for one in stats)]
    return sum(one.st_size for one in stats), max(changed)


def _start(folder: str, name: str, most: int | None) -> bytes:
    try:
        with open(os.path.join(folder, name), "rb", buffering=0) as opened:  # noqa: PTH118, PTH123  of very many
            return opened.readall() if most is None else opened.read(most)
    except OSError as error:
        raise OSError(error.errno, f"its frame {name}: {error.strerror}", folder) from None
