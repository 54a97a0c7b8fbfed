"""The folder of the results: on this machine, or in a bucket with a copy on this machine."""

import contextlib
import dataclasses
import tempfile
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Protocol

from trainer import files
from trainer.buckets.exchange import Exchange
from trainer.buckets.location import is_remote
from trainer.errors import UsageError
from trainer.files import expanded


class Destination(Protocol):
    """A folder that this process writes, and others too."""

    @property
    def folder(self) -> Path:
        """On this machine."""

    @property
    def location(self) -> str:
        """As the user wrote it."""

    def refresh(self) -> None:
        """Brings the files that other processes have written since.

        Raises:
          UsageError: the bucket cannot be read.
          StorageError: the service cannot be reached.
        """

    def send(self, path: Path) -> None:
        """Sends a file of the folder where it must be.

        Raises:
          UsageError: the bucket cannot be written.
          StorageError: the service cannot be reached.
        """


@dataclasses.dataclass(frozen=True)
class OnDisk:
    """A folder on this machine, or on a disk that several machines share."""

    folder: Path
    location: str

    def refresh(self) -> None:
        """Does nothing: all files are here."""

    def send(self, path: Path) -> None:
        """Does nothing: the file is there."""


@dataclasses.dataclass(frozen=True)
class InBucket:
    """A folder in a bucket."""

    folder: Path
    location: str
    exchange: Exchange

    def refresh(self) -> None:
        self.exchange.bring()

    def send(self, path: Path) -> None:
        self.exchange.send(path)


@contextlib.contextmanager
def opened(out: str, own: Collection[str], shared: str, log: Callable[[str], None]) -> Iterator[Destination]:
    """Yields the folder of the results.

    Args:
      out: as the user wrote it; empty for one that is removed afterwards.
      own: the names that it may contain.
      shared: the folder in it whose files other processes need.
      log: receives lines about the bucket.

    Raises:
      UsageError: it contains something else, or cannot be read.
    """
    if out and not is_remote(out):
        _check(out, own)
        yield OnDisk(Path(expanded(out)), out)
        return
    with tempfile.TemporaryDirectory(prefix="trainer-evaluate-") as name:
        if not out:
            yield OnDisk(Path(name), out)
            return
        exchange = Exchange(out, Path(name), is_shared=lambda one: one.startswith(f"{shared}/"), log=log)
        try:
            found = sorted({one.partition("/")[0] for one in exchange.names()} - {*own})
            _check_none(out, f"contains {found[0]}" if found else "")
            exchange.bring()
            yield InBucket(Path(name), out, exchange)
        finally:
            exchange.close()


def _check(out: str, own: Collection[str]) -> None:
    path = Path(expanded(out))
    try:
        others = files.strangers(path, own)
        reason = "a file" if path.exists() and not path.is_dir() else ""
    except OSError as error:
        others, reason = [], error.strerror or str(error)
    _check_none(out, reason or (f"contains {others[0]}" if others else ""))


def _check_none(out: str, reason: str) -> None:
    if reason:
        raise UsageError(f"`--out` must be a new folder, or that of the same evaluation. Received: {out} ({reason})")
