"""The owner of a run in a bucket: an earlier process that still runs must stop writing."""

import json
import re
from collections.abc import Mapping

from trainer.buckets.objects.bucket import Bucket
from trainer.buckets.objects.failure import DELETE, ChangedError, FencedError, RefusedError, UnreachableError
from trainer.buckets.objects.object import Object

_ATTEMPTS = 10


class Ownership:
    """The owner's record, `owner.json`: the last process that wrote it owns the run.

    In an append-only bucket, the next owner writes `owner.2.json`, then `owner.3.json`: the last one counts.

    Args:
      bucket: the run's bucket.
      prefix: the prefix of the names of the run's objects.
      token: a unique name of this process.
      about: a description of this process for people.
    """

    def __init__(self, bucket: Bucket, prefix: str, token: str, about: Mapping[str, str]):
        self.token = token
        self._bucket, self._prefix = bucket, prefix
        self._content = (json.dumps({"token": token, **about}, indent=2) + "\n").encode()
        self._record: Object | None = None

    def take(self) -> None:
        """Takes over the run.

        Raises:
          RefusedError: the bucket cannot be written.
        """
        for _ in range(_ATTEMPTS):
            last = self._last()
            try:
                self._record = self._write(last)
            except ChangedError:  # another process starts at the same time; the last one to write is the owner
                continue
            return
        raise UnreachableError(f"{self._where}: many processes are taking it over at the same time")

    def check(self) -> None:
        """Checks with one request that this process still owns the run.

        Raises:
          FencedError: another process has taken over the run.
        """
        found = self._last()
        if found == self._record:
            return
        if found is None:  # the folder was emptied; the run continues, as with a local folder
            self.take()
            return
        owner = _parsed(self._bucket.read(found))
        if owner.get("token") != self.token:
            raise FencedError(
                f"another process has taken over {self._where} ({owner.get('host')}, process {owner.get('pid')}, since "
                f"{owner.get('since')}); this one stops writing"
            )
        self._record = found

    @property
    def _where(self) -> str:
        return f"gs://{self._bucket.name}/{self._prefix}".rstrip("/")

    def _name(self, number: int) -> str:
        return f"{self._prefix}owner.json" if number == 1 else f"{self._prefix}owner.{number}.json"

    def _number(self, name: str) -> int:
        match = re.fullmatch(r"owner(?:\.(\d+))?\.json", name.removeprefix(self._prefix))
        return int(match[1] or 1) if match else 0

    def _last(self) -> Object | None:
        records = self._bucket.list(f"{self._prefix}owner.", is_shallow=True)
        return max(records, key=lambda one: self._number(one.name), default=None)

    def _write(self, last: Object | None) -> Object:
        if last is None:
            return self._bucket.put(self._name(1), self._content, 0)
        number = self._number(last.name)
        if not self._bucket.is_append_only:
            try:
                return self._bucket.put(last.name, self._content, last.generation)
            except RefusedError as error:
                if error.permission != DELETE:
                    raise
        return self._bucket.put(self._name(number + 1), self._content, 0)


def _parsed(content: bytes) -> Mapping[str, str]:
    try:
        return dict(json.loads(content))
    except (ValueError, TypeError):
        return {}
