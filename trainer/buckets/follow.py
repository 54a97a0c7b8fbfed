"""Keeps a local copy of a growing folder in a bucket up to date; only new data are downloaded."""

import contextlib
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from trainer.buckets.events.files import is_event_file
from trainer.buckets.location import Location
from trainer.buckets.objects import client as clients
from trainer.buckets.objects.bucket import Bucket
from trainer.buckets.objects.download import Download
from trainer.buckets.objects.failure import ChangedError, as_usage
from trainer.buckets.objects.folder import UPLOAD_PARTS
from trainer.buckets.objects.object import Object, crc32c
from trainer.buckets.objects.patience import Patience
from trainer.buckets.objects.workers import Workers
from trainer.errors import StorageError

_THREADS = 16


class Follower:
    """Downloads the changes of a folder in a bucket.

    Args:
      location: `gs://bucket/folder`.
      folder: the copy.
      is_wanted: returns whether to copy a file, from its name in the folder.
      log: called with a line when the bucket cannot be read, and when it can be again.
      client: a `google.cloud.storage.Client`; by default one with this machine's credentials.
      patience: how long one request is retried.

    Raises:
      UsageError: the location is malformed, or the library or the credentials are missing.
    """

    def __init__(
        self,
        location: str,
        folder: Path,
        *,
        is_wanted: Callable[[str], bool] = lambda name: True,
        log: Callable[[str], None],
        client: Any = None,
        patience: Patience | None = None,
    ):
        self._location, self._folder, self._is_wanted, self._log = Location.parse(location), folder, is_wanted, log
        self._client = clients.widened(client, _THREADS) if client else clients.connect(_THREADS)
        self._bucket = Bucket(self._client, self._location.bucket, patience or Patience())
        self._workers, self._known = Workers(_THREADS), dict[str, Object]()
        self._trouble = ""

    def catch_up(self) -> None:
        """Updates the copy to the current content.

        Raises:
          UsageError: the bucket does not exist, or cannot be read.
          StorageError: the service cannot be reached, or the copy cannot be written.
        """
        prefix = self._location.prefix
        with as_usage(str(self._location)):
            listed = {one.name.removeprefix(prefix): one for one in self._bucket.list(prefix)}
        wanted = {
            name: one
            for name, one in listed.items()
            if self._is_wanted(name) and UPLOAD_PARTS not in name and not name.endswith("/")
        }
        for name in self._known.keys() - wanted.keys():
            del self._known[name]
            (self._folder / name).unlink(missing_ok=True)
        new = {name: one for name, one in wanted.items() if self._known.get(name) != one}
        self._workers.all([partial(self._bring, name, one) for name, one in new.items()])

    def follow(self, seconds: float, end: threading.Event) -> None:
        """Updates the copy at an interval in seconds, until the end; logs each kind of failure once, and retries."""
        while not end.wait(seconds):
            try:
                self.catch_up()
            except Exception as error:
                trouble = str(error)
            else:
                trouble = ""
            if trouble != self._trouble:
                self._log(trouble or f"{self._location} is read again")
            self._trouble = trouble

    def _bring(self, name: str, one: Object) -> None:
        with contextlib.suppress(ChangedError):  # retried at the next update
            if not self._grow(name, one):
                Download(self._bucket, one, self._folder / name).run(self._workers)
            self._known[name] = one

    def _grow(self, name: str, one: Object) -> bool:
        """Appends the new part of an event file to its copy; returns whether the copy is then equal."""
        former = self._known.get(name)
        if former is None or not is_event_file(Path(name)) or one.size <= former.size:
            return False
        content = self._bucket.read(one, former.size, one.size)
        if crc32c(content, former.crc32c) != one.crc32c:
            return False
        try:
            with (self._folder / name).open("ab") as file:
                file.write(content)
        except OSError as error:
            raise StorageError(f"{self._folder / name} cannot be written: {error.strerror}") from None
        return True
