"""A small run for the tests of storage: it writes events, checkpoints and a model, and goes on as ours does."""

import json
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path

from trainer.buckets.events.records import masked
from trainer.buckets.location import SyncedFolder
from trainer.buckets.objects.patience import Patience
from trainer.training.checkpoint import Store

PARTS = ("", "train")
HASTY = Patience(seconds=1.0, first=0.001, longest=0.01)


def places(root: Path, remote: str = "gs://bucket/run") -> dict[str, SyncedFolder]:
    """Returns a run's folders below one root, on both sides."""
    below = {role: SyncedFolder(root / role, f"{remote}/{role}") for role in ("logs", "checkpoints", "model")}
    return {"root": SyncedFolder(root, remote), **below}


def framed(content: bytes) -> bytes:
    """Returns a record of an event file."""
    length = struct.pack("<Q", len(content))
    return length + struct.pack("<I", masked(length)) + content + struct.pack("<I", masked(content))


def unframed(file: bytes) -> list[bytes]:
    """Returns the records of an event file, and insists that it is nothing but whole records."""
    found, start = [], 0
    while start < len(file):
        (length,) = struct.unpack_from("<Q", file, start)
        content = file[start + 12 : start + 12 + length]
        assert file[start : start + 16 + length] == framed(content)
        found.append(content)
        start += 16 + length
    return found


class Run:
    """A run that goes on from what its folder holds.

    Args:
      root: its folder, as `places` has it.
      session: how often it was started before, for the names of its event files.
      pad: bytes that make each record and each checkpoint longer.
    """

    def __init__(self, root: Path, session: int = 0, pad: int = 0):
        self.root, self.session, self.pad = root, session, pad
        self.store = Store(root / "checkpoints", {})
        found = self.store.newest(lambda line: None)
        state = json.loads(found[1].rstrip(b"=")) if found else {"step": 0, "sizes": {}}
        self.step: int = state["step"]
        self.saved: int = self.step
        self.best: int | None = found[0]["best"] if found else None
        self.is_finished = self.store.result() is not None
        self._put_back(state["sizes"])
        root.mkdir(parents=True, exist_ok=True)
        (root / "hparams.json").write_text("{}")
        for part in PARTS:
            self._append(part, [b"version"])

    def go_on(self, steps: int = 1) -> None:
        """Writes an event of each step in every part."""
        for _ in range(steps):
            self.step += 1
            for part in PARTS:
                self._append(part, [f"step {self.step} ".encode() + b"=" * self.pad])

    def save(self, *, is_best: bool = False) -> None:
        """Writes a checkpoint; the first is the best in any case."""
        self.best = self.step if is_best or self.best is None else self.best
        state = {"step": self.step, "sizes": self._sizes()}
        self.store.write(self.step, [json.dumps(state).encode(), b"=" * self.pad], self.best, {})
        self.saved = self.step

    def finish(self) -> None:
        """Writes the model, and notes that the run came to its end."""
        (self.root / "model").mkdir(exist_ok=True)
        (self.root / "model" / "model.keras").write_bytes(b"the model")
        self.store.finish({"model": "model.keras"})
        self.is_finished = True

    def _path(self, part: str) -> Path:
        return self.root / "logs" / part / f"events.out.tfevents.{self.session:03d}.host.v2"

    def _append(self, part: str, contents: Iterable[bytes]) -> None:
        path = self._path(part)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.writelines(map(framed, contents))

    def _sizes(self) -> dict[str, int]:
        logs = self.root / "logs"
        return {path.relative_to(logs).as_posix(): path.stat().st_size for path in logs.rglob("*tfevents*")}

    def _put_back(self, sizes: Mapping[str, int]) -> None:
        for name, size in self._sizes().items():
            path = self.root / "logs" / name
            if not sizes.get(name):
                path.unlink()
            elif size > sizes[name]:
                with path.open("r+b") as file:
                    file.truncate(sizes[name])


def steps(objects: Mapping[str, bytes], part: str = "", prefix: str = "run/") -> list[int]:
    """Returns the steps whose events a reader of the bucket finds in a part, in the order in which it finds them."""
    folder = f"{prefix}logs/{part}/" if part else f"{prefix}logs/"
    files = [name for name in sorted(objects) if name.startswith(folder) and "/" not in name.removeprefix(folder)]
    records = [record for name in files for record in unframed(objects[name])]
    return [int(record.split()[1]) for record in records if record.startswith(b"step")]


def files(root: Path) -> dict[str, bytes]:
    """Returns what is in a folder."""
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
