"""Checkpoints in a bucket: the files that a manifest names, and whether they are intact.

`trainer.training.checkpoint` writes the manifests: JSON with `step` and `files`, each `{"name", "size", "sha256"}`.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from trainer.buckets.objects.folder import Folder, Signature
from trainer.buckets.objects.object import Object

LATEST = "latest.json"
BEST = "best.json"
MANIFEST = "manifest.json"

# Keys in the metadata of a manifest's object: the checksums of the files that it names, its step, and whether it was
# written because `latest.json` could not be.
_FILES, _STEP, _STANDS_IN = "files", "step", "stands-in"
_FILE = re.compile(r"\d+/[^/]+")
_ATTEMPTS = 5


@dataclasses.dataclass(frozen=True)
class Saved:
    """A checkpoint in a local folder, with its files open, so that they can be read after they are removed.

    Attributes:
      path: the path of its manifest.
      content: the content of the manifest.
      signature: the signature of the manifest.
      files: the open files that the manifest names, by path.
    """

    path: Path
    content: bytes
    signature: Signature
    files: Mapping[Path, BinaryIO]

    @property
    def is_finished(self) -> bool:
        """Whether the run is finished."""
        return is_finished(self.content)


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """The checkpoints in a local folder at one moment.

    Attributes:
      latest: the checkpoint of `latest.json`.
      best: the checkpoint of `best.json`, if there is one.
      steps: the manifests of these two, or of all checkpoints, in their own folders.
    """

    latest: Saved
    best: Saved | None
    steps: tuple[Saved, ...]

    @property
    def all(self) -> tuple[Saved, ...]:
        return (*self.steps, *([self.best] if self.best else []), self.latest)


@contextlib.contextmanager
def snapshot(folder: Path, *, every: bool = False) -> Iterator[Snapshot | None]:
    """Yields the checkpoints in a folder in which others are written and removed at the same time; None if empty.

    Args:
      folder: the folder of the checkpoints.
      every: whether to include checkpoints that are neither the latest nor the best.
    """
    with contextlib.ExitStack() as stack:
        yield next(filter(None, (_look(folder, every, stack) for _ in range(_ATTEMPTS))), None)


def files_of(content: bytes) -> dict[str, tuple[int, str]]:
    """Returns the files that a manifest names, with their sizes and SHA-256.

    Raises:
      ValueError: it is not a manifest.
    """
    try:
        files = {str(file["name"]): (int(file["size"]), str(file["sha256"])) for file in json.loads(content)["files"]}
    except (KeyError, TypeError) as error:
        raise ValueError(str(error)) from None
    if not files or not all(_FILE.fullmatch(name) for name in files):
        raise ValueError("it names no files of a checkpoint")
    return files


def is_finished(content: bytes) -> bool:
    """Returns whether a manifest says that the run is finished."""
    with contextlib.suppress(ValueError, AttributeError):
        return json.loads(content).get("result") is not None
    return False


def are_files_sound(folder: Path, content: bytes) -> bool:
    """Returns whether the local files that a manifest names have the expected SHA-256."""
    for name, (_, checksum) in files_of(content).items():
        with (folder / name).open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != checksum:
                return False
    return True


def note(folder: Folder, content: bytes) -> dict[str, str]:
    """Returns the metadata of a manifest's object: size, checksum and generation of each file that it names."""
    found = {name: folder.known[folder.prefix + name] for name in files_of(content)}
    noted = {name: [one.size, one.crc32c, one.generation] for name, one in found.items()}
    stands_in = {_STANDS_IN: LATEST} if folder.bucket.is_append_only else {}
    return {_FILES: json.dumps(noted), _STEP: str(json.loads(content)["step"]), **stands_in}


def fault(folder: Folder, manifest: Object, content: bytes) -> str:
    """Returns the damage of a checkpoint in the bucket, from its manifest and the listing; empty if it is intact.

    The generation is not compared: a copy of a run in another bucket has other generations and the same checksums.
    """
    try:
        files, noted = files_of(content), json.loads(manifest.metadata.get(_FILES, "{}"))
    except ValueError:
        return "it is not a manifest"
    for name, (size, _) in files.items():
        one = folder.known.get(folder.prefix + name)
        if one is None:
            return f"{name} is missing"
        if one.size != size or [one.size, one.crc32c] != noted.get(name, [one.size, one.crc32c])[:2]:
            return f"{name} is not what was written"
    return ""


def manifests(folder: Folder) -> list[str]:
    """Returns the names of the listed manifests in the bucket, in order of preference."""
    numbered = re.compile(re.escape(folder.prefix) + r"(\d+)/" + re.escape(MANIFEST))
    steps = {int(match[1]): match[0] for match in map(numbered.fullmatch, folder.known) if match}
    names = [steps[step] for step in sorted(steps, reverse=True)]
    latest = folder.known.get(folder.prefix + LATEST)
    if latest is None:
        return names
    since = int(latest.metadata.get(_STEP, max(steps, default=0)))
    newer = [steps[step] for step in steps if step > since and _STANDS_IN in folder.known[steps[step]].metadata]
    before = sorted(newer, key=names.index)
    return [*before, latest.name, *(name for name in names if name not in before)]


def _look(folder: Path, every: bool, stack: contextlib.ExitStack) -> Snapshot | None:
    """Returns the current checkpoints; None if there is none, or if a file was replaced during the scan."""
    try:
        latest = _open(folder / LATEST, folder, stack)
    except (FileNotFoundError, ValueError):
        return None
    best = None
    with contextlib.suppress(FileNotFoundError, ValueError):
        best = _open(folder / BEST, folder, stack)
    wanted = {str(json.loads(saved.content)["step"]) for saved in (latest, best) if saved}
    if every:
        wanted |= {path.parent.name for path in folder.glob(f"*/{MANIFEST}")}
    steps = []
    for step in sorted(wanted, key=int):
        try:
            steps.append(_open(folder / step / MANIFEST, folder, stack))
        except FileNotFoundError:
            if step == str(json.loads(latest.content)["step"]):
                return None
    return Snapshot(latest, best, tuple(steps))


def _open(path: Path, folder: Path, stack: contextlib.ExitStack) -> Saved:
    with path.open("rb") as file:
        signature, content = Signature.of(os.fstat(file.fileno())), file.read()
    files: dict[Path, Any] = {
        folder / name: stack.enter_context((folder / name).open("rb")) for name in files_of(content)
    }
    return Saved(path, content, signature, files)
