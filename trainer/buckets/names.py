"""Converts names of objects to names of files: checks them, finds collisions, and excludes the output of runs."""

import hashlib
from collections.abc import Collection, Mapping

from trainer.buckets.location import Location
from trainer.buckets.objects.object import Object
from trainer.errors import UsageError

_LONGEST = 255  # maximum bytes of a file name on common file systems
_ROOM = 40  # bytes for the prefix and suffix that the cache adds to a name
_RUN = ("owner.json", "hparams.json")  # the files of a run with its root in a bucket; see `ownership`
_OUTPUT = ("logs", "checkpoints", "model", ".parts")


def check(location: Location, names: Collection[str]) -> None:
    """Checks that objects can be stored as files.

    Args:
      location: the location of the objects.
      names: the names of the objects, within the location.

    Raises:
      UsageError: an object cannot be a file, or is both a file and a folder, like `a` and `a/b`; the message names it.
    """
    folders: dict[str, str] = {}
    for name in names:
        parts = name.split("/")
        if {"", ".", ".."} & {*parts} or "\0" in name or any(len(part.encode()) > _LONGEST for part in parts):
            raise UsageError(f"`gs://…` must contain valid file names. Received: {location}, {name!r}")
        for end in range(1, len(parts)):
            folders.setdefault("/".join(parts[:end]), name)
    for name in names:
        if name in folders:
            raise _both(location.bucket, location.prefix + name, location.prefix + folders[name])


def clash(bucket: str, files: Mapping[str, Object], name: str) -> UsageError:
    """Returns the error of a file that already exists, on a disk that ignores case."""
    same = next((other for other in files if other != name and other.casefold() == name.casefold()), name)
    return _both(bucket, files[same].name, files[name].name)


def runs(names: Collection[str]) -> list[str]:
    """Returns the folders that are the roots of runs, except the downloaded folder itself."""
    found = {name.rpartition("/")[0] for name in names if name.endswith(tuple(f"/{file}" for file in _RUN))}
    return sorted(root for root in found if all(f"{root}/{file}" in names for file in _RUN))


def without(files: Mapping[str, Object], runs: Collection[str]) -> dict[str, Object]:
    """Returns the files that are not the output of these runs."""
    folders = tuple(f"{run}/{name}/" for run in runs for name in _OUTPUT)
    roots = {*runs}

    def is_output(name: str) -> bool:
        above, _, last = name.rpartition("/")
        return name.startswith(folders) or (above in roots and last.endswith(".json"))

    return {name: one for name, one in files.items() if not is_output(name)}


def shortened(path: str, end: str) -> str:
    """Returns a path with a suffix, with each name shortened to the limit of file systems."""
    *above, last = path.split("/")
    return "/".join([*(_cut(part, _LONGEST) for part in above), _cut(last, _LONGEST - _ROOM) + end])


def _cut(name: str, most: int) -> str:
    if len(name.encode()) <= most:
        return name
    return name.encode()[: most // 2].decode(errors="ignore") + hashlib.sha256(name.encode()).hexdigest()[:16]


def _both(bucket: str, name: str, other: str) -> UsageError:
    return UsageError(
        "`gs://…` must contain names that can exist together as files. "
        f"Received: gs://{bucket}/{name} and gs://{bucket}/{other}"
    )
