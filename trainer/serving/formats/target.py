"""Where an export is written: a file with its card next to it, or a folder; both appear whole or not at all."""

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from trainer.buckets.location import is_remote
from trainer.errors import UsageError
from trainer.files import expanded

FILES = {"litert": "model.tflite", "onnx": "model.onnx", "savedmodel": "saved_model", "keras": "model.keras"}
README, RECORD = "README.md", "export.json"
_KEY = "export"  # of the record: the name of the format


@dataclass(frozen=True)
class Target:
    """The paths of an export.

    Attributes:
      model: the file; of a SavedModel, the folder.
      readme: the card, for people.
      record: the card, for programs.
      folder: of all three, made with them; None if they get into a folder that exists.
    """

    model: Path
    readme: Path
    record: Path
    folder: Path | None

    @property
    def shown(self) -> Path:
        """What `--out` names."""
        return self.folder or self.model


def choose(out: str, format: str, quantize: str, model: str, folder: Path) -> Target:
    """Returns where an export is written.

    Args:
      out: `--out`; empty selects a folder next to the model's, or in the current folder for a model in a bucket.
      format: its name.
      quantize: none or int8.
      model: `--model`.
      folder: of the model on this machine.

    Raises:
      UsageError: it is in a bucket, or there is something else than an export of this format.
    """
    if is_remote(out):
        raise UsageError(f"`--out` must be a file or a folder on this machine. Received: {out}")
    suffix = Path(FILES[format]).suffix
    name = format if quantize == "none" else f"{format}-{quantize}"
    path = Path(expanded(out)) if out else _beside(model, folder, name)
    if out and suffix and path.suffix == suffix and not path.is_dir():
        target = Target(path, path.with_name(f"{path.name}.md"), path.with_name(f"{path.name}.json"), None)
    elif out and path.suffix in {Path(name).suffix for name in FILES.values()} - {"", suffix}:
        raise UsageError(f"`--out` must be a folder{f', or a file {suffix}' if suffix else ''}. Received: {out}")
    elif format == "savedmodel":
        target = Target(path, path / README, path / RECORD, path)  # TensorFlow Serving expects the graph at the top
    else:
        target = Target(path / FILES[format], path / README, path / RECORD, path)
    _check(target, format)
    return target


def _beside(model: str, folder: Path, name: str) -> Path:
    if is_remote(model):
        parts = [part for part in model.rstrip("/").split("/") if part not in ("model", "model.keras")]
        return Path(f"{parts[-1]}-{name}")
    whole = folder if folder.name not in ("", "..") else folder.resolve()
    return whole.with_name(f"{whole.name}-{name}")


def _check(target: Target, format: str) -> None:
    """Checks that a target is new or an earlier export of the same format with no other files.

    Raises:
      UsageError: it is not.
    """
    path = target.folder or target.model
    rule = "`--out` must be new, or an export of the same format to replace"
    try:
        if target.folder is None:
            there = [one for one in (target.model, target.readme, target.record) if os.path.lexists(one)]
            others = [one.name for one in there] if there and _recorded(target.record) != format else []
        elif path.is_dir():
            others = _strangers(path, target, format)
        else:
            others = [path.name] if os.path.lexists(path) else []
            if others:
                raise UsageError(f"{rule}. Received: {path}, a file")
    except OSError as error:
        raise UsageError(f"{rule}. Received: {path} ({error.strerror})") from None
    if others:
        what = "another file" if target.folder is None else f"which contains {others[0]}"
        raise UsageError(f"{rule}. Received: {path if target.folder else path.with_name(others[0])}, {what}")


def _strangers(folder: Path, target: Target, format: str) -> list[str]:
    """Returns the names in a folder that are not of an earlier export of a format."""
    names = sorted(one.name for one in folder.iterdir())
    if not names:
        return []
    listed = _files(target.record) if _recorded(target.record) == format else set()
    own = {README, RECORD, *(name.partition("/")[0] for name in listed)} if listed else set()
    return [name for name in names if name not in own]


def _recorded(path: Path) -> str:
    """Returns the format of the export that a record describes; empty if it is none."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
        return str(json.loads(path.read_bytes())[_KEY])
    return ""


def _files(path: Path) -> set[str]:
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
        return {str(one["name"]) for one in json.loads(path.read_bytes())["files"]}
    return set()


@contextlib.contextmanager
def written(target: Target) -> Iterator[Target]:
    """Yields the paths of a temporary folder, whose files get their names when the block ends without an error.

    Raises:
      UsageError: they cannot be written.
    """
    above = (target.folder or target.model).absolute().parent
    existing = next(one for one in (above, *above.parents) if one.is_dir())
    try:
        with tempfile.TemporaryDirectory(prefix=".export-", dir=existing) as scratch:
            building = Path(scratch, (target.folder or target.model.parent).name or "export")
            building.mkdir()
            inside = {one: building / one.name for one in (target.readme, target.record)}
            model = building if target.model == target.folder else building / target.model.name
            yield Target(model, inside[target.readme], inside[target.record], building)
            above.mkdir(parents=True, exist_ok=True)
            _place(target, building, Path(scratch))
    except OSError as error:
        raise UsageError(
            f"`--out` must be a folder or a file that can be written. Received: {target.shown} "
            f"({error.strerror or error})"
        ) from None


def _place(target: Target, building: Path, scratch: Path) -> None:
    building.chmod(0o777 & ~_umask())  # that of a temporary folder excludes everybody else
    if target.folder is None:
        for path in (target.model, target.readme, target.record):
            (building / path.name).replace(path)
        return
    if target.folder.is_dir():
        former = scratch / "former"
        target.folder.replace(former)
        try:
            building.replace(target.folder)
        except OSError:
            former.replace(target.folder)
            raise
        shutil.rmtree(former)
    else:
        building.replace(target.folder)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
