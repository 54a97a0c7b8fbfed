"""A bucket and the operations on its objects; each request is verified, retried, and named in errors."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO, TypeVar

from trainer.buckets.objects.failure import (
    DELETE,
    AbsentError,
    ChangedError,
    CorruptError,
    MissingError,
    RefusedError,
    UnansweredError,
    UnreachableError,
    is_passing,
    named,
)
from trainer.buckets.objects.object import Object, crc32c
from trainer.buckets.objects.patience import Patience
from trainer.errors import StorageError

_T = TypeVar("_T")

_SLOWEST = 64 << 10  # bytes a second: the lowest transfer rate at which a request does not time out
_CHUNK = 8 << 20  # bytes of a request of a resumable upload
_FIELDS = "items(name,size,crc32c,generation,metadata,contentEncoding),nextPageToken"


class Bucket:
    """A bucket of the service.

    Every write has a precondition: the object's current generation, or 0 if it does not exist. So a request whose
    answer was lost can be repeated, and of two writers that do not know each other one gets an error.

    Args:
      client: a `google.cloud.storage.Client`.
      name: the bucket's.
      patience: how long a request is retried.
      timeout: seconds for one request with little content.

    Attributes:
      is_append_only: whether objects cannot be replaced or deleted because the permission is missing, as far as known.

    Raises:
      RefusedError: raised by every method if the account lacks a permission.
      UnreachableError: raised by every method if the service cannot be reached or does not answer.
    """

    def __init__(self, client: Any, name: str, patience: Patience, timeout: float = 30.0):
        self.name, self.is_append_only = name, False
        self._client, self._handle = client, client.bucket(name)
        self._patience, self._timeout = patience, timeout

    def may(self, permission: str) -> bool:
        """Returns whether the account has a permission for the whole bucket; otherwise it may have it for a part.

        Raises:
          UnansweredError: the server does not support the question, like some emulators.
        """

        def call() -> bool:
            return permission in self._handle.test_iam_permissions([permission], retry=None, timeout=self._timeout)

        try:
            return self._ask("ask what is allowed", permission, call)
        except (RefusedError, UnreachableError):
            raise
        except StorageError:
            raise UnansweredError(
                f"gs://{self.name}: the server does not say whether {permission} is granted"
            ) from None

    def look(self, name: str) -> Object | None:
        """Returns an object; None if it does not exist."""

        def call() -> Object:
            blob = self._handle.blob(name)
            blob.reload(retry=None, timeout=self._timeout)
            return Object.of(blob)

        try:
            return self._ask(f"look at {name}", "storage.objects.get", call)
        except AbsentError:
            return None

    def list(self, prefix: str, *, is_shallow: bool = False) -> list[Object]:
        """Returns the objects whose names start with a prefix, in order; if shallow, those without a slash after it."""
        found: list[Object] = []
        token: str | None = None

        def call() -> tuple[list[Object], str | None]:
            pages = self._client.list_blobs(
                self._handle,
                prefix=prefix,
                delimiter="/" if is_shallow else None,
                page_token=token,
                fields=_FIELDS,
                retry=None,
                timeout=self._timeout,
            )
            return [Object.of(blob) for blob in next(pages.pages, ())], pages.next_page_token

        action = f"list {prefix or 'it'}"
        while True:
            try:
                page, token = self._ask(action, "storage.objects.list", call)
            except AbsentError:  # a list fails so only if there is no bucket; emulators use other messages
                raise MissingError.of(self.name, action) from None
            found += page
            if not token:
                return found

    def read(self, one: Object, start: int = 0, stop: int | None = None) -> bytes:
        """Returns the content of an object, or its bytes from `start` to `stop`.

        Raises:
          ChangedError: the object was replaced or deleted.
        """
        stop = one.size if stop is None else stop
        is_whole = (start, stop) == (0, one.size)
        ends = {} if is_whole else {"start": start, "end": stop - 1}

        def call() -> bytes:
            blob = self._handle.blob(one.name, generation=one.generation)
            # Raw: otherwise compressed content is decompressed and does not match its checksum.
            content: bytes = blob.download_as_bytes(
                **ends, raw_download=True, checksum=None, retry=None, timeout=self._seconds(stop - start)
            )
            if len(content) != stop - start or (is_whole and crc32c(content) != one.crc32c):
                raise CorruptError("the download has a wrong checksum")
            return content

        try:
            return self._ask(f"read {one.name}", "storage.objects.get", call)
        except AbsentError:
            raise ChangedError(f"gs://{self.name}/{one.name} was changed while it was read") from None

    def put(self, name: str, content: bytes, generation: int, metadata: Mapping[str, str] | None = None) -> Object:
        """Writes an object in one request.

        Raises:
          ChangedError: the object has another generation.
        """

        def write(generation: int) -> Any:
            blob = self._new(name, metadata)
            blob.upload_from_string(
                content,
                checksum="crc32c",
                if_generation_match=generation,
                retry=None,
                timeout=self._seconds(len(content)),
            )
            return blob

        try:
            return self._write(name, write, generation, (len(content), crc32c(content)), metadata)
        except AbsentError:
            raise MissingError.of(self.name, f"write {name}") from None

    def put_file(self, name: str, file: BinaryIO, size: int, checksum: int, generation: int) -> Object:
        """Writes an object from a file of any size, in a resumable upload that leaves no other objects.

        Raises:
          ChangedError: the object has another generation.
        """
        from google.cloud.storage.retry import DEFAULT_RETRY

        patience = self._patience
        retry = DEFAULT_RETRY.with_timeout(patience.seconds).with_delay(patience.first, patience.longest)

        def write(generation: int) -> Any:
            blob = self._new(name, None)
            blob.chunk_size = _CHUNK
            blob.upload_from_file(
                file,
                rewind=True,
                size=size,
                checksum=None,
                if_generation_match=generation,
                retry=retry,
                timeout=self._seconds(_CHUNK),
            )
            return blob

        return self._write(name, write, generation, (size, checksum), None)

    def compose(
        self,
        name: str,
        sources: Sequence[Object],
        generation: int,
        checksum: int,
        metadata: Mapping[str, str] | None = None,
    ) -> Object:
        """Writes an object whose content is the concatenation of at most 32 others.

        Args:
          name: the object's name; it may be one of the sources.
          sources: the other objects, in order.
          generation: the expected generation of the object.
          checksum: the CRC32C that the result must have.
          metadata: replaces the object's previous metadata.

        Raises:
          ChangedError: the object has another generation, or a source does not exist any more.
        """

        def write(generation: int) -> Any:
            # A handle with loaded metadata would send the old checksums.
            blob = self._new(name, metadata)
            parts = [self._handle.blob(source.name) for source in sources]
            blob.compose(parts, if_generation_match=generation, retry=None, timeout=self._timeout)
            return blob

        expected = sum(source.size for source in sources), checksum
        try:
            return self._write(name, write, generation, expected, metadata)
        except AbsentError:
            raise ChangedError(f"gs://{self.name}/{name}: a part of it is missing", self.look(name)) from None

    def delete(self, name: str, generation: int | None = None) -> None:
        """Deletes an object, if it exists.

        Raises:
          ChangedError: the object has another generation.
        """

        def call() -> None:
            self._handle.blob(name).delete(if_generation_match=generation, retry=None, timeout=self._timeout)

        with contextlib.suppress(AbsentError):
            self._ask(f"delete {name}", DELETE, call)

    def _new(self, name: str, metadata: Mapping[str, str] | None) -> Any:
        blob = self._handle.blob(name)
        if metadata:
            blob.metadata = dict(metadata)
        return blob

    def _write(
        self,
        name: str,
        write: Callable[[int], Any],
        generation: int,
        expected: tuple[int, int],
        metadata: Mapping[str, str] | None,
    ) -> Object:
        """Writes an object and checks that the stored object is the intended one."""

        def is_meant(found: Object) -> bool:
            return (found.size, found.crc32c) == expected and found.metadata == dict(metadata or found.metadata)

        known = generation

        def call() -> Object:
            nonlocal known
            written = Object.of(write(known))
            if not is_meant(written):
                known = written.generation
                raise CorruptError("the upload has a wrong checksum")
            return written

        try:
            return self._ask(f"write {name}", DELETE if generation else "storage.objects.create", call)
        except ChangedError as changed:
            found = self.look(name)
            if found and is_meant(found):  # an earlier attempt succeeded, and its answer was lost
                return found
            raise ChangedError(str(changed), found) from None

    def _seconds(self, size: int) -> float:
        """Returns the timeout of a request. The client also uses it for the connection, which includes the upload."""
        return max(self._timeout, size / _SLOWEST)

    def _ask(self, action: str, permission: str, call: Callable[[], _T]) -> _T:
        try:
            return self._patience.run(call, is_passing)
        except Exception as error:
            failure = named(error, self.name, action, permission)
            if isinstance(failure, RefusedError) and failure.permission == DELETE:
                self.is_append_only = True
            raise failure from None
