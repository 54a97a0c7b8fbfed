"""The errors of requests to a bucket; each calls for a different reaction."""

import contextlib
import http
import http.client
import re
from collections.abc import Iterator
from typing import Any

from trainer.errors import StorageError, UsageError

DELETE = "storage.objects.delete"

_PASSING = (http.HTTPStatus.REQUEST_TIMEOUT, http.HTTPStatus.TOO_MANY_REQUESTS)
_PERMISSION = re.compile(r"storage\.(?:objects|buckets)\.\w+")
# A retention policy or a hold prevents the replacement of an object, like a missing permission.
_HELD = re.compile("subject to .* retention|under active .* hold", re.IGNORECASE)


class UnreachableError(StorageError):
    """The service did not complete the request in time; a later attempt may succeed."""


class CorruptError(StorageError):
    """The content that arrived differs from the content that was sent."""


class RefusedError(StorageError):
    """The service refuses the request for this account or this bucket.

    Attributes:
      permission: the missing permission; empty if the service does not name it.
    """

    def __init__(self, message: str, permission: str = ""):
        super().__init__(message)
        self.permission = permission


class MissingError(RefusedError):
    """The bucket does not exist."""

    @classmethod
    def of(cls, bucket: str, action: str) -> "MissingError":
        """Returns the error for a request to a bucket that does not exist."""
        return cls(f"{_failed(bucket, action)}the bucket does not exist")


class UnansweredError(StorageError):
    """The server does not support the question which permissions the account has."""


class AbsentError(StorageError):
    """The object does not exist."""


class ChangedError(StorageError):
    """An object is not the version that its writer knows.

    Attributes:
      found: the current object; None if it does not exist.
    """

    def __init__(self, message: str, found: Any = None):
        super().__init__(message)
        self.found = found


class FencedError(StorageError):
    """Another process has taken over the run; this process must stop writing."""


class InterruptedSyncError(Exception):
    """An upload was cancelled, because another one is more urgent or because uploads have stopped."""


def is_passing(error: Exception) -> bool:
    """Returns whether the same request may succeed if it is retried."""
    import requests
    import urllib3
    from google.api_core import exceptions
    from google.auth.exceptions import TransportError

    if isinstance(error, exceptions.GoogleAPICallError):
        code = error.code or 0
        # Some rate limits of the service have status 403, and a wrong checksum is damage in transfer.
        is_limit = code == http.HTTPStatus.FORBIDDEN and "ateLimitExceeded" in str(error)
        is_damage = code == http.HTTPStatus.BAD_REQUEST and "crc32c" in str(error).lower()
        is_fault = code >= http.HTTPStatus.INTERNAL_SERVER_ERROR and code != http.HTTPStatus.NOT_IMPLEMENTED
        return code in _PASSING or is_fault or is_limit or is_damage
    kinds = (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException, TransportError)
    return isinstance(error, (CorruptError, ConnectionError, TimeoutError, *kinds))


def named(error: Exception, bucket: str, action: str, permission: str) -> StorageError:
    """Returns the meaning of a failed request, in a message without its URL and headers.

    Args:
      error: the client's error.
      bucket: the bucket's name.
      action: the requested action, as in `write run/latest.json`.
      permission: the permission that the action needs, if the service does not name it.
    """
    from google.api_core import exceptions

    if isinstance(error, StorageError) and not isinstance(error, CorruptError):
        return error
    failed = _failed(bucket, action)
    if is_passing(error):
        return UnreachableError(failed + _words(error))
    if isinstance(error, exceptions.NotFound) and "bucket does not exist" in str(error):
        return MissingError.of(bucket, action)
    return _refused(error, failed, permission) or _outdated(error, failed) or StorageError(failed + _words(error))


@contextlib.contextmanager
def as_usage(location: str) -> Iterator[None]:
    """Turns a refusal at the start of a program into a usage error that names the location."""
    try:
        yield
    except MissingError as error:
        raise UsageError(f"`gs://…` must be in a bucket that exists. Received: {location} ({error})") from None
    except RefusedError as error:
        raise UsageError(
            f"`gs://…` must be a location where this account has the permission. Received: {location} ({error})"
        ) from None


def _refused(error: Exception, failed: str, permission: str) -> StorageError | None:
    from google.api_core import exceptions
    from google.auth.exceptions import GoogleAuthError

    if isinstance(error, exceptions.Unauthorized | GoogleAuthError):
        return RefusedError(f"{failed}the service does not know this account (401); it needs {permission}")
    if isinstance(error, exceptions.Forbidden):
        match = _PERMISSION.search(str(error))
        missing = DELETE if _HELD.search(str(error)) else match[0] if match else ""
        return RefusedError(f"{failed}the permission {missing or permission} is missing (403)", missing)
    return None


def _outdated(error: Exception, failed: str) -> StorageError | None:
    from google.api_core import exceptions

    if isinstance(error, exceptions.PreconditionFailed):
        return ChangedError(f"{failed}another process changed it")
    return AbsentError(f"{failed}the object does not exist") if isinstance(error, exceptions.NotFound) else None


def _failed(bucket: str, action: str) -> str:
    return f"gs://{bucket}: cannot {action}: "


def _words(error: Exception) -> str:
    code = getattr(error, "code", None)
    if code:
        return f"{int(code)} {http.HTTPStatus(code).phrase}"
    if isinstance(error, CorruptError):
        return str(error)
    is_late = isinstance(error, TimeoutError) or "Timeout" in type(error).__name__
    return "no answer in time" if is_late else f"no connection ({type(error).__name__})"
