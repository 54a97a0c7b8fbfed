"""Checkpoints in a folder: written whole or not at all, found, verified, and no more of them than are wanted.

<folder>/latest.json         a copy of the newest manifest, written last
<folder>/best.json           a copy of the best epoch's
<folder>/<step>/manifest.json
<folder>/<step>/<checksum>.state
<folder>/<step>/<checksum>.shared   what several checkpoints have in common, once
"""

import contextlib
import dataclasses
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from trainer import files
from trainer.errors import UsageError
from trainer.hparams import differences

LATEST = "latest.json"
BEST = "best.json"
_MANIFEST = "manifest.json"
_RESUMED_FROM = "resumed_from"  # in a manifest, false: the checkpoint has weights alone
_FORMAT = 5  # 2, of version 0.1, had the state of other callbacks; 3 no stage; 4 always one file
_FORMATS = (4, _FORMAT)  # that are read
_LEAST_SHARED = 65_536  # bytes; fewer are not worth a file of their own

Manifest = dict[str, Any]
Content = Sequence[bytes | memoryview]  # a file's, in parts


class DamagedError(ValueError):
    """A checkpoint is not what was written."""


@dataclasses.dataclass(frozen=True)
class Store:
    """The checkpoints of one run.

    Attributes:
      folder: theirs alone.
      configuration: what is trained; a state of anything else is not restored.
      keep: how many of the last are kept, besides the best.
    """

    folder: Path
    configuration: Mapping[str, Any]
    keep: int = 2

    def exists(self) -> bool:
        """Returns whether there is anything that was once a checkpoint."""
        return (self.folder / LATEST).exists() or any(self._steps())

    def write(
        self,
        step: int,
        content: Content,
        best: int | None,
        about: Mapping[str, Any],
        *,
        shared: Sequence[Content] = (),
    ) -> None:
        """Writes a checkpoint, and removes those that are no longer wanted.

        A concurrent reader finds the former one or this one, whole.

        Args:
          step: how many steps the run has done.
          content: its state, in parts.
          best: the step at the end of the best epoch so far.
          about: what a person or another program may want to know, for the manifest.
          shared: the rest of the state, each part of which other checkpoints may have too. It is written only if no
            former one has.

        Raises:
          OSError: it could not be written; the former ones are still there.
        """
        manifest = {
            "format": _FORMAT,
            "step": step,
            **about,
            "best": best,
            "files": self._write_parts(step, content, shared),
            "configuration": dict(self.configuration),
        }
        text = _signed(manifest)
        files.replace(self.folder / str(step) / _MANIFEST, text, durable=True)
        if step == best:
            files.replace(self.folder / BEST, text, durable=True)
        files.replace(self.folder / LATEST, text, durable=True)
        self._prune(step, best)

    def best_apart(self) -> int | None:
        """Returns the step of the best epoch's checkpoint if it is kept beside the last ones, and is not reduced."""
        try:
            manifest = _verified(self.folder / BEST)
        except (OSError, DamagedError):
            return None
        step: int = manifest["step"]
        last = sorted(self._whole())[-self.keep :]
        return None if step in last or not _is_resumed_from(manifest) else step

    def reduce(self, step: int, content: Content, *, shared: Sequence[Content] = ()) -> None:
        """Replaces the state of the best checkpoint by one that no run resumes from.

        Args:
          step: of the checkpoint.
          content: its new state, in parts.
          shared: as of `write`.

        Raises:
          OSError: it could not be written.
        """
        path = self.folder / str(step) / _MANIFEST
        manifest = {**_verified(path), "files": self._write_parts(step, content, shared), _RESUMED_FROM: False}
        text = _signed(manifest)
        files.replace(path, text, durable=True)
        files.replace(self.folder / BEST, text, durable=True)
        named = {self.folder / name for other in self._whole() for name in _named(self.folder / str(other) / _MANIFEST)}
        for old in path.parent.iterdir():
            if old != path and old not in named:
                old.unlink()

    def _write_parts(self, step: int, content: Content, shared: Sequence[Content]) -> list[dict[str, Any]]:
        """Writes the files of a checkpoint, and returns their entries in the manifest."""
        parts: list[tuple[str, list[bytes | memoryview]]] = [(".state", [*content])]
        for part in filter(None, shared):  # in this order, since it is that of the state
            is_large = sum(map(len, part)) >= _LEAST_SHARED
            if is_large or len(parts) > 1:
                parts.append((".shared" if is_large else ".state", [*part]))
            else:
                parts[0][1].extend(part)
        return [self._write_part(step, part, suffix) for suffix, part in parts]

    def _write_part(self, step: int, content: Content, suffix: str) -> dict[str, Any]:
        """Writes a file of a checkpoint unless a former one has that content, and returns its entry in the manifest."""
        digest = hashlib.sha256()
        for part in content:
            digest.update(part)
        checksum, size = digest.hexdigest(), sum(map(len, content))
        # A name that no other content has: nothing that a manifest speaks of is ever overwritten.
        name = f"{checksum[:16]}{suffix}"
        if suffix == ".shared":
            former = next((path for path in self.folder.glob(f"*/{name}") if _checksum_of(path) == checksum), None)
            if former:
                return {"name": f"{former.parent.name}/{name}", "size": size, "sha256": checksum}
        path = self.folder / str(step) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        files.replace(path, *content, durable=True)
        return {"name": f"{step}/{name}", "size": size, "sha256": checksum}

    def newest(self, log: Callable[[str], None]) -> tuple[Manifest, bytes] | None:
        """Returns the newest checkpoint that is what was written, its manifest and its state; nothing where none is.

        Args:
          log: receives a line about each that is damaged.

        Raises:
          UsageError: it is of another configuration, or of another version of this program.
        """
        for name in (LATEST, *(f"{step}/{_MANIFEST}" for step in sorted(self._steps(), reverse=True))):
            path = self.folder / name
            if name != LATEST and not path.exists():  # it was never finished
                continue
            try:
                manifest = _verified(path)
                if not _is_resumed_from(manifest):
                    log(f"checkpoint {path}: it has the weights of the best epoch alone; trying an older one")
                    continue
                content = self._content(manifest)
            except FileNotFoundError as error:
                if error.filename != str(self.folder / LATEST) or self.exists():
                    log(f"checkpoint {path}: {Path(error.filename).name} is missing; trying an older one")
            except (OSError, DamagedError) as error:
                log(f"checkpoint {path}: {error}; trying an older one")
            else:
                self._check(manifest)
                return manifest, content
        return None

    def manifest(self) -> Manifest | None:
        """Returns the newest manifest, `latest.json`; nothing where there is none, or it is damaged."""
        try:
            return _verified(self.folder / LATEST)
        except (OSError, DamagedError):
            return None

    def at(self, step: int) -> bytes:
        """Returns the state after a step.

        Raises:
          OSError: it cannot be read.
          DamagedError: it is not what was written.
        """
        return self._content(_verified(self.folder / str(step) / _MANIFEST))

    def result(self) -> Mapping[str, Any] | None:
        """Returns what the run came to, where it was finished."""
        manifest = self.manifest()
        result: Mapping[str, Any] | None = manifest.get("result") if manifest else None
        if manifest and result is not None:
            self._check(manifest)
        return result

    def finish(self, result: Mapping[str, Any]) -> None:
        """Notes in a copy of the newest manifest, `latest.json`, what the run came to."""
        manifest = _verified(self.folder / str(max(self._whole())) / _MANIFEST)
        files.replace(self.folder / LATEST, _signed({**manifest, "result": dict(result)}), durable=True)

    def _content(self, manifest: Manifest) -> bytes:
        contents = []
        for file in manifest["files"]:
            content = (self.folder / file["name"]).read_bytes()
            if len(content) != file["size"]:
                raise DamagedError(f"{file['name']} has {len(content):,} bytes, not {file['size']:,}")
            if hashlib.sha256(content).hexdigest() != file["sha256"]:
                raise DamagedError(f"{file['name']} is not what was written, by its checksum")
            contents.append(content)
        return contents[0] if len(contents) == 1 else b"".join(contents)

    def _check(self, manifest: Manifest) -> None:
        if manifest["format"] not in _FORMATS:
            raise UsageError(
                f"`--job_dir` must contain checkpoints of format {_FORMAT}. Received: {self.folder}, "
                f"format {manifest['format']}"
            )
        found = differences(manifest["configuration"], self.configuration)
        if found:
            raise UsageError(
                "`--job_dir` must be new, or hold checkpoints of the same configuration. Received: "
                f"{self.folder} ({'; '.join(found)})"
            )

    def _steps(self) -> Iterator[int]:
        with contextlib.suppress(FileNotFoundError):
            yield from (int(entry.name) for entry in self.folder.iterdir() if entry.name.isdecimal())

    def _whole(self) -> Iterator[int]:
        """Yields the steps with a manifest; another's folder may have a file of theirs."""
        return (step for step in self._steps() if (self.folder / str(step) / _MANIFEST).exists())

    def _prune(self, step: int, best: int | None) -> None:
        """Removes all but the last few and the best: first their manifests, then the files that no other one names."""
        last = sorted(other for other in self._whole() if other <= step)[-self.keep :]
        kept = {self.folder / str(other) / _MANIFEST for other in {*last, best} & {*self._whole()}}
        named = {self.folder / name for manifest in kept for name in _named(manifest)}
        steps = [*self._steps()]
        for other in steps:  # also a later one: it was damaged, or the run would not be here
            if self.folder / str(other) / _MANIFEST not in kept:
                (self.folder / str(other) / _MANIFEST).unlink(missing_ok=True)
        for other in steps:
            folder = self.folder / str(other)
            for path in folder.iterdir():
                if path not in kept and path not in named:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
            with contextlib.suppress(OSError):  # it has a file of another checkpoint
                folder.rmdir()


def _is_resumed_from(manifest: Manifest) -> bool:
    """Returns whether a checkpoint has the whole state; see `Store.reduce`."""
    return manifest.get(_RESUMED_FROM) is not False


def _checksum_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _named(manifest: Path) -> list[str]:
    """Returns the files that a manifest names; none if it is damaged."""
    try:
        return [file["name"] for file in _verified(manifest)["files"]]
    except (OSError, DamagedError):
        return []


def _verified(path: Path) -> Manifest:
    """Returns a manifest.

    Raises:
      FileNotFoundError: there is none.
      DamagedError: it is not what was written.
    """
    content = path.read_bytes()
    try:
        manifest: Manifest = json.loads(content)
        del manifest["checksum"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise DamagedError(f"{path.name} is not what was written") from None
    if content != _signed(manifest):
        raise DamagedError(f"{path.name} is not what was written, by its checksum")
    return manifest


def _signed(manifest: Manifest) -> bytes:
    return (json.dumps({**manifest, "checksum": _checksum(manifest)}, indent=2) + "\n").encode()


def _checksum(manifest: Manifest) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()
