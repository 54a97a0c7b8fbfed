"""The names of objects as those of files: which can be, which are one and the same, and which are a run's output."""

import hashlib
from collections.abc import Collection, Mapping

from trainer.buckets.location import Location
from trainer.buckets.objects.object import Object
from trainer.errors import UsageError

_LONGEST = 255  # bytes of a name in a folder, of all usual file systems
_ROOM = 40  # bytes for what the cache puts before and behind a name
_RUN = ("owner.json", "hparams.json")  # of a run that has its root in a bucket; see `ownership`
_OUTPUT = ("logs", "checkpoints", "model", ".parts")


def check(location: Location, names: Collection[str]) -> None:
    """Makes sure that objects can be files.

    Args:
      location: what is fetched.
      names: of the objects, within the location.

    Raises:
      UsageError: one cannot, or it is both a file and a folder, like `a` and `a/b`. The message names it.
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
    """Returns the error of a file that already exists, on a disk that ignores the case of names."""
    same = next((other for other in files if other != name and other.casefold() == name.casefold()), name)
    return _both(bucket, files[same].name, files[name].name)


def runs(names: Collection[str]) -> list[str]:
    """Returns the folders that are the roots of runs, but for the folder that is fetched itself."""
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
    """Returns a path with an end, each name in it cut to what file systems take."""
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
