"""Downloads data from a bucket: once, in parallel, verified, and shared by all processes of a machine.

<cache_dir>/<bucket>/objects/<name's checksum>.<generation>   each object, once, unpacked if it is stored as gzip
<cache_dir>/<bucket>/<folder>@<listing's checksum>/…          links to them, under their own names
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from trainer.buckets import names, unpacking
from trainer.buckets.location import Location
from trainer.buckets.objects import client as clients
from trainer.buckets.objects.bucket import Bucket
from trainer.buckets.objects.download import Download, run_all
from trainer.buckets.objects.failure import ChangedError, as_usage
from trainer.buckets.objects.object import Object
from trainer.buckets.objects.patience import Patience
from trainer.buckets.objects.workers import Workers
from trainer.errors import StorageError, UsageError

_THREADS = 32
_ATTEMPTS = 5


def fetch(
    location: str,
    cache_dir: Path,
    *,
    log: Callable[[str], None],
    client: Any = None,
    patience: Patience | None = None,
) -> Path:
    """Downloads a folder or an object of a bucket, and returns the local folder or file.

    Downloaded files are not downloaded again, also after an interruption. The folder has the content of one moment and
    does not change: after a change in the bucket, the next call returns another folder.

    Args:
      location: `gs://bucket/folder` or `gs://bucket/folder/object`.
      cache_dir: the folder of the downloads; it can be used by any number of processes at the same time.
      log: called with a line when this call downloads or waits.
      client: a `google.cloud.storage.Client`; by default one with this machine's credentials.
      patience: how long one request is retried.

    Raises:
      UsageError: the location is empty or cannot be read.
      StorageError: the service cannot be reached, or the disk is full.
    """
    source = Location.parse(location)
    used = clients.widened(client, _THREADS) if client else clients.connect(_THREADS)
    workers = Workers(_THREADS)
    bucket = Bucket(used, source.bucket, patience or Patience())
    cache = _Cache(cache_dir / source.bucket, bucket, workers, log)
    try:
        with as_usage(location), _named_failures(cache_dir), cache.locked(source):
            for _ in range(_ATTEMPTS):
                with contextlib.suppress(ChangedError):
                    return cache.fetch(source)
        raise StorageError(f"{source} keeps changing while it is downloaded")
    finally:
        workers.close()
        if client is None:
            used.close()


class _Cache:
    """The objects fetched from one bucket."""

    def __init__(self, folder: Path, bucket: Bucket, workers: Workers, log: Callable[[str], None]):
        self._folder, self._bucket, self._workers, self._log = folder, bucket, workers, log

    @contextlib.contextmanager
    def locked(self, location: Location) -> Iterator[None]:
        """Locks a location, so that a second process waits and then finds the download."""
        path = self._folder / "locks" / _digest(location.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._log(f"waiting for another process that downloads {location}")
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def fetch(self, location: Location) -> Path:
        """Downloads the current content.

        Raises:
          ChangedError: the content changed in the meantime.
        """
        files = self._list(location)
        listing = _digest(*(f"{one.name} {one.generation}" for one in files.values()))[:16]
        view = self._folder / names.shortened(location.path, f"@{listing}")
        if not view.exists():
            self._download(location, list(files.values()))
            self._link(view, files)
        return view / _name(location) if [one.name for one in files.values()] == [location.path] else view

    def _list(self, location: Location) -> dict[str, Object]:
        """Returns the objects of a folder, or the one object, by their names within the view."""
        found = {one.name.removeprefix(location.prefix): one for one in self._bucket.list(location.prefix)}
        files = {name: one for name, one in found.items() if not name.endswith("/") and name}
        if not files and location.path:
            one = self._bucket.look(location.path)
            files = {_name(location): one} if one else {}
        runs = names.runs(files)
        files = names.without(files, runs)
        if not files:
            raise UsageError(f"`gs://…` must be an existing folder or object. Received: {location}")
        names.check(location, files)
        unpacking.check(self._bucket.name, files.values())
        for run in runs:
            self._log(f"skips {location}/{run}: it is the output of a run")
        return files

    def _stored(self, one: Object) -> Path:
        return self._folder / "objects" / f"{_digest(one.name)[:32]}.{one.generation}"

    def _file(self, one: Object) -> Path:
        """Returns the file that has the content of an object."""
        stored = self._stored(one)
        return stored.with_name(f"{stored.name}.unpacked") if unpacking.layers(one) else stored

    def _download(self, location: Location, objects: Sequence[Object]) -> None:
        wanted = [Download(self._bucket, one, self._stored(one)) for one in objects if not self._is_here(one)]
        if wanted:
            size = sum(download.one.size for download in wanted)
            self._log(f"downloads {len(wanted):,} of {len(objects):,} files, {size / 1e6:,.1f} MB, from {location}")
        run_all(wanted, self._workers)
        packed = [download.one for download in wanted if unpacking.layers(download.one)]
        self._workers.all([partial(self._unpack, one) for one in packed])

    def _unpack(self, one: Object) -> None:
        unpacking.unpack(one, self._bucket.name, self._stored(one), self._file(one))

    def _is_here(self, one: Object) -> bool:
        """Returns whether an object was downloaded completely; after a power loss, its size may be wrong."""
        try:
            size = self._file(one).stat().st_size
        except FileNotFoundError:
            return False
        return size == one.size or bool(unpacking.layers(one))  # unpacked files are synced before they get their name

    def _link(self, view: Path, files: Mapping[str, Object]) -> None:
        """Creates a folder of the downloaded files atomically."""
        building = view.with_name(f".{view.name}.{os.getpid()}")
        shutil.rmtree(building, ignore_errors=True)
        for name, one in files.items():
            path = building / name
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                path.hardlink_to(self._file(one))
            except FileExistsError:  # on a disk that ignores upper and lower case or Unicode forms
                raise names.clash(self._bucket.name, files, path.relative_to(building).as_posix()) from None
            except OSError:  # a file system without hard links
                path.symlink_to(self._file(one).resolve())
        building.replace(view)


def _name(location: Location) -> str:
    return location.path.rpartition("/")[2]


def _digest(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


@contextlib.contextmanager
def _named_failures(cache_dir: Path) -> Iterator[None]:
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        raise StorageError(f"{error.filename or cache_dir} cannot be written: {error.strerror}") from None
