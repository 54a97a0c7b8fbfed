"""One pass over a run's local folders that uploads their changes."""

import dataclasses
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

from trainer.buckets import checkpoints
from trainer.buckets.checkpoints import BEST, LATEST, MANIFEST, Saved, Snapshot
from trainer.buckets.events import segments
from trainer.buckets.events.files import EventFiles, is_event_file
from trainer.buckets.objects.failure import UnreachableError
from trainer.buckets.objects.folder import Folder, Signature
from trainer.buckets.objects.object import Object
from trainer.buckets.objects.upload import Uploads
from trainer.buckets.objects.workers import Workers
from trainer.buckets.ownership import Ownership
from trainer.buckets.writer import Writer

_NAMES = 3
_STEP = re.compile(r"\d+/[^/]+")


@dataclasses.dataclass(frozen=True)
class _Task:
    """An upload and its maximum size in bytes."""

    size: int
    run: Callable[[], None]


class Sync:
    """Uploads the changes in a run's folders.

    Args:
      folders: by role: root, logs, checkpoints, model.
      uploads: sends the objects.
      ownership: checked first, and if an object is not the version that this process wrote.
      workers: the threads of parallel uploads.
      log: called with a line about objects that cannot be replaced.

    Attributes:
      landed: the signature of each file when it was uploaded.
      writer: knows the files that cannot be uploaded.
    """

    def __init__(
        self,
        folders: Mapping[str, Folder],
        uploads: Uploads,
        ownership: Ownership,
        workers: Workers,
        log: Callable[[str], None],
    ):
        self.landed: dict[Path, Signature] = {}
        self.writer = Writer(uploads, ownership, log)
        self._folders, self._uploads, self._ownership, self._workers = folders, uploads, ownership, workers
        self._sent: dict[Path, Object] = {}  # the files of checkpoints
        self._events = EventFiles(folders["logs"], uploads, ownership)
        saved = folders["checkpoints"].local / LATEST
        self._former = saved.read_bytes() if saved.exists() else b""  # the checkpoint from which the run resumes

    def look(self) -> dict[Path, Signature]:
        """Returns the files to upload, with their current signatures, without reading them."""
        found: dict[Path, Signature] = {}
        for role, folder in self._folders.items():
            if role == "checkpoints":  # these two files name all others
                files = (folder.local / LATEST, folder.local / BEST)
                found |= {path: Signature.of(path.stat()) for path in files if path.exists()}
            else:
                found |= dict(folder.files())
        return found

    def waiting(self, look: Mapping[Path, Signature]) -> list[Path]:
        """Returns the files whose version at a scan is not uploaded yet."""
        return [path for path, signature in look.items() if self.landed.get(path) != signature]

    def describe(self, paths: Sequence[Path]) -> str:
        """Returns a description of the files, with a few names per folder."""
        named = []
        for role, folder in self._folders.items():
            names = [str(path.relative_to(folder.local)) for path in paths if path.is_relative_to(folder.local)]
            if role == "root":
                names = [name for name in names if "/" not in name]
            more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
            named += [f"{role} ({', '.join(names[:_NAMES])}{more})"] if names else []
        return ", ".join(named)

    def run(self, *, stopping: bool = False, whole: bool = False) -> None:
        """Runs one pass: the files of a checkpoint, then the checkpoint; then removed files are deleted in the bucket.

        The events before a checkpoint are in the bucket before the checkpoint is.

        Args:
          stopping: upload the checkpoint before the logs, and remove nothing.
          whole: also upload older checkpoints.

        Raises:
          StorageError: the pass failed; completed uploads remain.
          InterruptedSyncError: the pass was cancelled.
        """
        self._ownership.check()
        saved = self._folders["checkpoints"]
        with checkpoints.snapshot(saved.local, every=whole) as snapshot:
            self._uploads.sweep({*self._wanted(snapshot)})
            self._send([*self._files("root")])  # the record identifies the run of all other files
            files = [*self._checkpoint_files(snapshot), *self._files("model")]
            if stopping:
                self._send(files)
                self._send_manifests(snapshot)
                self._send([*self._files("logs")])
            else:
                self._send([*files, *self._files("logs")])
                self._send_manifests(snapshot)
                self._remove(snapshot)
                if whole and self._uploads.has_parts:
                    raise UnreachableError("parts of uploaded files could not be deleted")

    def _wanted(self, snapshot: Snapshot | None) -> Iterator[str]:
        """Yields the names of the objects, other than manifests, that must still be written."""
        for role, folder in self._folders.items():
            if role != "checkpoints":
                yield from (folder.name(path) for path in self.waiting(dict(folder.files())))
        folder = self._folders["checkpoints"]
        names = [folder.name(path) for manifest in (snapshot.all if snapshot else ()) for path in manifest.files]
        yield from (name for name in names if name not in folder.known)

    def _checkpoint_files(self, snapshot: Snapshot | None) -> Iterator[_Task]:
        folder = self._folders["checkpoints"]
        named = {path: file for manifest in (snapshot.all if snapshot else ()) for path, file in manifest.files.items()}
        # A name has one content, which need not be read again after it is uploaded.
        self._sent = {path: one for path, one in self._sent.items() if path in named}
        for path, file in named.items():
            if path not in self._sent or self._sent[path] != folder.known.get(folder.name(path)):
                size = os.fstat(file.fileno()).st_size
                yield _Task(size, partial(self._send_open, folder, path, file, size))

    def _files(self, role: str) -> Iterator[_Task]:
        folder = self._folders[role]
        for path, signature in folder.files():
            if self.landed.get(path) != signature:
                is_events = role == "logs" and is_event_file(path)
                yield _Task(signature.size, partial(self._send_events if is_events else self._send_file, folder, path))

    def _send(self, tasks: Sequence[_Task]) -> None:
        """Uploads the small files in parallel, then each large one in parallel parts."""
        self._uploads.go_on()
        self._workers.all([task.run for task in tasks if task.size <= self._uploads.part])
        for task in tasks:
            if task.size > self._uploads.part:
                self._uploads.go_on()
                task.run()

    def _send_open(self, folder: Folder, path: Path, file: BinaryIO, size: int) -> None:
        self.writer.write_file(folder, path, file, size)
        self._sent[path] = folder.known[folder.name(path)]

    def _send_file(self, folder: Folder, path: Path) -> None:
        with path.open("rb") as file:
            signature = Signature.of(os.fstat(file.fileno()))
            if self.writer.write_file(folder, path, file, signature.size):
                self.landed[path] = signature

    def _send_events(self, folder: Folder, path: Path) -> None:
        signature = Signature.of(path.stat())  # before, so that the next scan finds changes during the upload
        self._events.sync(path)
        self.landed[path] = signature

    def _send_manifests(self, snapshot: Snapshot | None) -> None:
        if snapshot is None:
            return
        self._uploads.go_on()
        folder = self._folders["checkpoints"]
        self._workers.all([partial(self._send_manifest, manifest) for manifest in snapshot.steps])
        for manifest in filter(None, (snapshot.best, snapshot.latest)):
            # A file that cannot be replaced is written once, at the end; until then, the manifests of the steps are
            # used.
            is_early = folder.bucket.is_append_only and not snapshot.latest.is_finished
            if is_early or self._send_manifest(manifest):
                self.landed[manifest.path] = manifest.signature

    def _send_manifest(self, manifest: Saved) -> bool:
        folder = self._folders["checkpoints"]
        return self.writer.write(folder, manifest.path, manifest.content, checkpoints.note(folder, manifest.content))

    def _remove(self, snapshot: Snapshot | None) -> None:
        """Deletes objects whose local files were removed: manifests first, so that each manifest has its files."""
        doomed = [*self._doomed_checkpoints(snapshot), *self._doomed_events()]
        for is_manifest in (True, False):
            some = [(folder, name) for folder, name in doomed if name.endswith(MANIFEST) == is_manifest]
            self._workers.all([partial(self.writer.delete, *one) for one in some])

    def _doomed_checkpoints(self, snapshot: Snapshot | None) -> list[tuple[Folder, str]]:
        folder = self._folders["checkpoints"]
        # Older checkpoints stay in the bucket until there is a newer one, although only the newest was downloaded.
        if snapshot is None or snapshot.latest.content == self._former or folder.bucket.is_append_only:
            return []
        needed = {folder.name(path) for manifest in snapshot.all for path in (manifest.path, *manifest.files)}
        names = {*folder.known, *self.writer.doubtful}
        steps = [name for name in sorted(names) if _STEP.fullmatch(name.removeprefix(folder.prefix))]
        return [(folder, name) for name in steps if name not in needed and not folder.path(name).exists()]

    def _doomed_events(self) -> list[tuple[Folder, str]]:
        folder = self._folders["logs"]
        if folder.bucket.is_append_only:
            return []
        files = [name for name in folder.known if is_event_file(Path(name))]
        bases = {segments.base_of(name) for name in files}
        gone = {base for base in bases if not folder.path(base).exists()}
        needed = {piece.one.name for base in bases - gone for piece in segments.of(folder.known, base)}
        return [(folder, name) for name in files if name not in needed]
