"""A folder in a bucket to which several processes write files; files of one name have one content."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from trainer.buckets.follow import Follower
from trainer.buckets.location import Location
from trainer.buckets.objects import client as clients
from trainer.buckets.objects.bucket import Bucket
from trainer.buckets.objects.failure import ChangedError, as_usage
from trainer.buckets.objects.patience import Patience


class Exchange:
    """Brings the files of a folder in a bucket, and sends others.

    Args:
      location: `gs://bucket/folder`.
      folder: its copy on this machine.
      is_shared: returns whether a file is brought, from its name in the folder.
      log: called with a line when the bucket cannot be read.
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
        is_shared: Callable[[str], bool],
        log: Callable[[str], None],
        client: Any = None,
        patience: Patience | None = None,
    ):
        self._location, self._folder, self._given = Location.parse(location), folder, client
        self._client = client or clients.connect(1)
        self._bucket = Bucket(self._client, self._location.bucket, patience or Patience())
        self._follower = Follower(
            location, folder, is_wanted=is_shared, log=log, client=self._client, patience=patience
        )

    def names(self) -> list[str]:
        """Returns the names of all files in the folder.

        Raises:
          UsageError: the bucket does not exist, or cannot be read.
          StorageError: the service cannot be reached.
        """
        prefix = self._location.prefix
        with as_usage(str(self._location)):
            return [one.name.removeprefix(prefix) for one in self._bucket.list(prefix)]

    def bring(self) -> None:
        """Downloads the shared files that are new; see `Follower.catch_up`."""
        self._follower.catch_up()

    def send(self, path: Path) -> None:
        """Uploads a file of the copy, over a former one of its name.

        Raises:
          UsageError: the bucket cannot be written.
          StorageError: the service cannot be reached.
        """
        name, content = self._location.prefix + path.relative_to(self._folder).as_posix(), path.read_bytes()
        with as_usage(str(self._location)):
            former = self._bucket.look(name)
            try:
                self._bucket.put(name, content, former.generation if former else 0)
            except ChangedError:  # another process wrote the same file at this moment
                if self._bucket.look(name) is None:
                    raise

    def close(self) -> None:
        """Closes the connections, unless the client was given."""
        if self._given is None:
            self._client.close()
