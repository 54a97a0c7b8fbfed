"""A run's output in a bucket: training writes to local folders, and their changes are uploaded in the background."""

import contextlib
import dataclasses
import datetime
import os
import platform
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from trainer.buckets.agent import Agent
from trainer.buckets.location import Location, SyncedFolder
from trainer.buckets.objects import client as clients
from trainer.buckets.objects.bucket import Bucket
from trainer.buckets.objects.failure import DELETE, MissingError, RefusedError, UnansweredError, as_usage
from trainer.buckets.objects.folder import UPLOAD_PARTS, Folder
from trainer.buckets.objects.patience import Patience
from trainer.buckets.objects.upload import Uploads
from trainer.buckets.objects.workers import Workers
from trainer.buckets.ownership import Ownership
from trainer.buckets.restore import Restore
from trainer.buckets.sync import Sync

_READERS = 16  # threads that download a checkpoint; the run waits for them
_SENDERS = 4  # few: training needs the cores


class Storage:
    """The output of one run in a bucket.

        storage.look()    # the local folders now show which run is in the bucket
        storage.begin()   # and now they contain the checkpoint to resume from
        storage.start()   # from now on, changes in them are uploaded
        …
        storage.finish(600)
        storage.close()

    Args:
      folders: by role: root (only the files directly in it), logs, checkpoints, model.
      log: called with each line for the user.
      clock: returns seconds.
      wait: waits for an event with a timeout in seconds, and returns whether it is set. All waiting uses `clock` and
        `wait`, including the pauses of `patience`.
      client: a `google.cloud.storage.Client`; by default one with this machine's credentials.
      interval: seconds between two scans of the folders.
      patience: how long one request is retried.
    """

    def __init__(
        self,
        folders: Mapping[str, SyncedFolder],
        *,
        log: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[threading.Event, float], bool] = threading.Event.wait,
        client: Any = None,
        interval: float = 1.0,
        patience: Patience | None = None,
    ):
        self._synced, self._log, self._clock, self._wait = folders, log, clock, wait
        self._given, self._interval = client, interval
        self._client: Any = None
        self._locations = {role: Location.parse(folder.remote) for role, folder in folders.items()}
        self._hurry = threading.Event()
        self._patience = dataclasses.replace(patience or Patience(), clock=clock, wait=partial(wait, self._hurry))
        self._token = secrets.token_hex(8)
        self._workers = Workers(_SENDERS)
        self._agent: Agent | None = None

    def look(self) -> None:
        """Downloads the files that identify the run: its record, the newest manifest, a finished model.

        It does not take over the run, so a finished run or one of another process is unchanged.

        Raises:
          UsageError: a bucket does not exist, or cannot be read; the library or the credentials are missing.
          StorageError: the service cannot be reached.
        """
        with self._reading(self._folders()) as restore:
            restore.look()

    def begin(self) -> None:
        """Takes over the run, and downloads the checkpoint that it resumes from.

        Raises:
          UsageError: a bucket does not exist, or cannot be written; the library or the credentials are missing.
          StorageError: the service cannot be reached.
        """
        folders = self._folders()
        root = folders["root"]
        ownership = Ownership(root.bucket, root.prefix, self._token, _about_this_process())
        with self._reading(folders) as restore:
            for bucket in {folder.bucket for folder in folders.values()}:
                self._try(next(folder for folder in folders.values() if folder.bucket is bucket))
            ownership.take()
            restore.run()
        uploads = Uploads(self._workers, self._token, is_hurried=self._hurry.is_set)
        self._sync = Sync(folders, uploads, ownership, self._workers, self._log)
        self._agent = Agent(
            self._sync,
            str(root),
            self._log,
            self._hurry,
            clock=self._clock,
            wait=self._wait,
            interval=self._interval,
        )

    def start(self) -> None:
        """Starts the uploads in a separate thread."""
        self._started.start()

    def notify(self) -> None:
        """Starts a scan of the folders immediately."""
        self._started.notify()

    def sync(self, *, stopping: bool = False, whole: bool = False) -> None:
        """Runs one pass in this thread, for a program that has not called `start`.

        Args:
          stopping: upload the checkpoint before the logs, and remove nothing.
          whole: also upload older checkpoints.

        Raises:
          StorageError: some files could not be uploaded.
        """
        self._sync.run(stopping=stopping, whole=whole)

    def lag(self) -> float:
        """Returns for how many seconds a change has been waiting for its upload; 0 if everything is uploaded."""
        return self._started.lag()

    def raise_if_failed(self) -> None:
        """Raises `StorageError` if the run can no longer be written: permission denied, or another owner."""
        if self._started.failure:
            raise self._started.failure

    def finish(self, seconds: float, stopping: bool = False) -> None:
        """Waits until everything is uploaded; returns immediately if the run has not started.

        Args:
          seconds: the maximum time.
          stopping: whether the program must end soon: the checkpoint is uploaded first, the logs second.

        Raises:
          StorageError: some files are not uploaded; the message names them and the reason.
        """
        if self._agent is not None:
            self._agent.finish(seconds, stopping=stopping)

    def close(self) -> None:
        """Stops uploading, without waiting for pending requests."""
        self._hurry.set()
        if self._agent is not None:
            self._agent.close()
        self._workers.close()
        if self._client is not None and self._given is None:
            self._client.close()

    @property
    def _started(self) -> Agent:
        if self._agent is None:
            raise RuntimeError("`begin` must be called first")
        return self._agent

    def _folders(self) -> dict[str, Folder]:
        if self._client is None:
            self._client = clients.widened(self._given, _READERS) if self._given else clients.connect(_READERS)
        names = {location.bucket for location in self._locations.values()}
        buckets = {name: Bucket(self._client, name, self._patience) for name in names}
        return {
            role: Folder(self._synced[role].local, buckets[location.bucket], location.prefix, role == "root")
            for role, location in self._locations.items()
        }

    @contextlib.contextmanager
    def _reading(self, folders: Mapping[str, Folder]) -> Iterator[Restore]:
        workers = Workers(_READERS)
        try:
            with as_usage(self._synced["root"].remote):
                yield Restore(folders, self._token, workers, self._log)
        finally:
            workers.close()

    def _try(self, folder: Folder) -> None:
        """Checks whether objects in the bucket can be replaced; otherwise they are written in another way."""
        try:
            if folder.bucket.may(DELETE):
                return
        except MissingError:
            raise
        except RefusedError:
            pass
        except UnansweredError as error:
            self._log(f"{error}; testing it by writing and deleting an object")
        # An account may have the permission for one folder only.
        probe = f"{folder.prefix}{UPLOAD_PARTS}{self._token}/probe"
        folder.bucket.put(probe, b"", 0)
        try:
            folder.bucket.delete(probe)
        except RefusedError as error:
            if error.permission != DELETE:
                raise
            self._log(
                f"{folder}: the permission {DELETE} is missing; logs are uploaded in pieces, and nothing is deleted"
            )


def _about_this_process() -> dict[str, str]:
    now = datetime.datetime.now(datetime.UTC)
    return {"host": platform.node(), "pid": str(os.getpid()), "since": now.isoformat(timespec="seconds")}
