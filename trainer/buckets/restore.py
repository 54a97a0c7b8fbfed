"""The start of a run on a machine: its state is downloaded, and earlier processes can no longer write."""

import contextlib
import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

from trainer import files
from trainer.buckets import checkpoints
from trainer.buckets.checkpoints import BEST, LATEST, MANIFEST
from trainer.buckets.events import segments
from trainer.buckets.events.files import is_event_file
from trainer.buckets.objects.download import Download, run_all
from trainer.buckets.objects.failure import DELETE, ChangedError, RefusedError
from trainer.buckets.objects.folder import UPLOAD_PARTS, Folder
from trainer.buckets.objects.upload import checksum
from trainer.buckets.objects.workers import Workers

_RECORD = "hparams.json"
_ATTEMPTS = 10


class Restore:
    """Downloads the state of a run to its local folders.

    Args:
      folders: by role: root, logs, checkpoints, model.
      token: the unique name of this process, written to the metadata of the objects that it takes over.
      workers: the threads of the downloads.
      log: called with a line about each damaged checkpoint.
    """

    def __init__(self, folders: Mapping[str, Folder], token: str, workers: Workers, log: Callable[[str], None]):
        self._folders, self._token, self._workers, self._log = folders, token, workers, log
        self._wanted: set[Path] = set()

    def run(self) -> None:
        """Downloads the record of the run, its newest intact checkpoint and its best one, its logs, and its model.

        Other files in the local folders are removed. Logs in a folder without a record of a run belong to another run
        and are kept. The model is downloaded if the run is finished.
        """
        self._repeat(self._run)

    def look(self) -> None:
        """Downloads the files that identify the run and show whether it is finished, without taking it over."""
        self._repeat(self._look)

    def _repeat(self, step: Callable[[], None]) -> None:
        """Repeats a step if an earlier process changes the bucket at the same time."""
        for _ in range(_ATTEMPTS):
            with contextlib.suppress(ChangedError):
                step()
                return
        step()

    def _run(self) -> None:
        root, logs, model = (self._folders[role] for role in ("root", "logs", "model"))
        self._wanted = set()
        parts = self._list()
        self._workers.all([partial(folder.bucket.delete, name) for folder, name in parts])
        if root.prefix + _RECORD not in root.known:
            logs.known = {}
        self._seal()
        is_finished = self._fetch_checkpoints()
        files = [name for name in logs.known if not is_event_file(Path(name))]
        self._fetch(root, [name for name in (root.prefix + _RECORD,) if name in root.known])
        self._fetch(logs, [*files, *self._whole_event_files()])
        self._fetch(model, model.known if is_finished else ())
        self._join_event_files()
        self._remove_others()

    def _look(self) -> None:
        root, saved, model = (self._folders[role] for role in ("root", "checkpoints", "model"))
        self._list()
        if root.prefix + _RECORD in root.known:
            self._fetch(root, [root.prefix + _RECORD])
        else:
            (root.local / _RECORD).unlink(missing_ok=True)
        newest = next(iter(checkpoints.manifests(saved)), None)
        if newest is None:
            shutil.rmtree(saved.local, ignore_errors=True)
            return
        content = saved.bucket.read(saved.known[newest])
        self._write(saved.local / LATEST, content)
        self._fetch(model, model.known if checkpoints.is_finished(content) else ())

    def _list(self) -> list[tuple[Folder, str]]:
        """Records the objects in the bucket, and returns the parts of interrupted uploads."""
        listed = self._workers.all([folder.list for folder in self._folders.values()])
        parts = []
        for folder, objects in zip(self._folders.values(), listed, strict=True):
            left = [one.name for one in objects if one.name.startswith(folder.prefix + UPLOAD_PARTS)]
            folder.known = {one.name: one for one in objects if one.name not in left and not one.name.endswith("/")}
            parts += [(folder, name) for name in left if not folder.bucket.is_append_only]
        return parts

    def _seal(self) -> None:
        """Changes the generation of every object that an earlier process may still write, without sending content."""
        saved, logs = self._folders["checkpoints"], self._folders["logs"]
        names = [(saved, name) for name in (saved.prefix + LATEST,) if name in saved.known]
        names += [(logs, name) for name in self._whole_event_files()]

        def seal(folder: Folder, name: str) -> None:
            for _ in range(_ATTEMPTS):
                one = folder.known[name]
                about = {**one.metadata, "owner": self._token}
                try:
                    folder.note(name, folder.bucket.compose(name, [one], one.generation, one.crc32c, about))
                except ChangedError as changed:  # the earlier process is writing it
                    folder.note(name, changed.found)
                    if changed.found is None:
                        return
                else:
                    return

        sealed = [partial(seal, *one) for one in names if not one[0].bucket.is_append_only]
        try:
            self._workers.all(sealed)
        except RefusedError as error:
            if error.permission != DELETE:
                raise

    def _whole_event_files(self) -> list[str]:
        """Returns the names of event files that are one object each."""
        logs = self._folders["logs"]
        files = [name for name in logs.known if is_event_file(Path(name)) and segments.base_of(name) == name]
        return [name for name in files if len(segments.of(logs.known, name)) == 1]

    def _fetch_checkpoints(self) -> bool:
        """Downloads the newest intact checkpoint and the best one, and returns whether the run is finished."""
        saved = self._folders["checkpoints"]
        latest = next(filter(None, map(self._fetch_checkpoint, checkpoints.manifests(saved))), None)
        if latest is None:
            return False
        self._write(saved.local / LATEST, latest)
        best = self._fetch_checkpoint(saved.prefix + BEST) if saved.prefix + BEST in saved.known else None
        if best is not None:
            self._write(saved.local / BEST, best)
        return checkpoints.is_finished(latest)

    def _fetch_checkpoint(self, name: str) -> bytes | None:
        """Downloads the files of a manifest and returns the manifest; None, with a line, if one is damaged."""
        saved = self._folders["checkpoints"]
        content = saved.bucket.read(saved.known[name])
        wrong = checkpoints.fault(saved, saved.known[name], content)
        if not wrong:
            files = [saved.prefix + file for file in checkpoints.files_of(content)]
            self._fetch(saved, files)
            if checkpoints.are_files_sound(saved.local, content):
                step = f"{json.loads(content)['step']}/{MANIFEST}"
                if saved.prefix + step in saved.known:
                    self._fetch(saved, [saved.prefix + step])
                else:
                    self._write(saved.local / step, content)
                return content
            wrong = "its files have wrong checksums"
        self._log(f"checkpoint gs://{saved.bucket.name}/{name}: {wrong}; trying an older one")
        return None

    def _fetch(self, folder: Folder, names: Iterable[str]) -> None:
        """Downloads the files that are not there yet."""
        downloads = [Download(folder.bucket, folder.known[name], folder.path(name)) for name in names]
        self._wanted |= {one.path for one in downloads}
        run_all([one for one in downloads if not _is_there(one)], self._workers)

    def _join_event_files(self) -> None:
        """Joins the event files that are stored in pieces."""
        logs = self._folders["logs"]
        pieces = [name for name in logs.known if is_event_file(Path(name))]
        for base in {segments.base_of(name) for name in pieces} - {*self._whole_event_files()}:
            found = segments.of(logs.known, base)
            contents = self._workers.all([partial(logs.bucket.read, piece.one) for piece in found])
            self._write(logs.path(base), segments.joined(list(zip(found, contents, strict=True))))

    def _write(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.replace(path, content)
        self._wanted.add(path)

    def _remove_others(self) -> None:
        for folder in self._folders.values():
            found = folder.local.glob("*") if folder.is_shallow else folder.local.rglob("*")
            for path in sorted(found, reverse=True):
                if path.is_dir() and not path.is_symlink():
                    if not folder.is_shallow:
                        with contextlib.suppress(OSError):  # the folder is not empty
                            path.rmdir()
                elif path not in self._wanted:
                    path.unlink(missing_ok=True)


def _is_there(one: Download) -> bool:
    try:
        with one.path.open("rb") as file:
            size = one.path.stat().st_size
            return size == one.one.size and checksum(file, 0, size) == one.one.crc32c
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return False
