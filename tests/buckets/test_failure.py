import pytest
import requests
from google.api_core import exceptions
from google.auth.exceptions import RefreshError, TransportError

from trainer.buckets.objects.failure import (
    DELETE,
    AbsentError,
    ChangedError,
    MissingError,
    RefusedError,
    UnreachableError,
    as_usage,
    is_passing,
    named,
)
from trainer.errors import StorageError, UsageError

SECRET = "https://storage.googleapis.com/upload?upload_id=secret&X-Goog-Signature=secret: "


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (exceptions.ServiceUnavailable(SECRET), UnreachableError, "503 Service Unavailable"),
        (exceptions.Forbidden(SECRET + "rateLimitExceeded"), UnreachableError, "403 Forbidden"),
        (exceptions.BadRequest(SECRET + "Provided CRC32C is not"), UnreachableError, "400 Bad Request"),
        (requests.ConnectTimeout(SECRET), UnreachableError, "no answer in time"),
        (TransportError(SECRET), UnreachableError, "no connection (TransportError)"),
        (exceptions.PreconditionFailed(SECRET), ChangedError, "another process changed it"),
        (exceptions.NotFound(SECRET + "No such object"), AbsentError, "the object does not exist"),
        (
            exceptions.NotFound(SECRET + "The specified bucket does not exist."),
            MissingError,
            "the bucket does not exist",
        ),
        (
            exceptions.Forbidden(SECRET + "a@b does not have storage.objects.list access"),
            RefusedError,
            "the permission storage.objects.list is missing (403)",
        ),
        (exceptions.Forbidden(SECRET), RefusedError, "the permission storage.objects.get is missing (403)"),
        (
            exceptions.Unauthorized(SECRET),
            RefusedError,
            "the service does not know this account (401); it needs storage.objects.get",
        ),
        (
            RefreshError(SECRET),
            RefusedError,
            "the service does not know this account (401); it needs storage.objects.get",
        ),
        (exceptions.BadRequest(SECRET), StorageError, "400 Bad Request"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_says_what_failed_and_no_secret(error: Exception, kind: type[StorageError], words: str) -> None:
    failure = named(error, "bucket", "read a", "storage.objects.get")
    assert type(failure) is kind
    assert str(failure) == f"gs://bucket: cannot read a: {words}"


def test_a_retention_policy_forbids_what_a_permission_would() -> None:
    said = "Object 'a' is subject to bucket's retention policy and cannot be deleted or overwritten until 2030"
    assert named(exceptions.Forbidden(said), "bucket", "write a", "storage.objects.create").permission == DELETE


def test_only_what_the_service_names_is_taken_for_missing() -> None:
    assert named(exceptions.Forbidden("billing"), "bucket", "write a", DELETE).permission == ""


def test_other_mistakes_do_not_pass() -> None:
    assert not any(
        map(is_passing, (KeyError(), exceptions.NotFound(""), exceptions.Forbidden(""), FileNotFoundError()))
    )


def test_what_is_refused_at_first_is_the_users_mistake() -> None:
    for error, rule in (
        (MissingError("it"), "in a bucket that exists"),
        (RefusedError("it"), "a location where this account has"),
    ):
        with (
            pytest.raises(UsageError, match=rf"^`gs://…` must be {rule}.*\. Received: gs://a \(it\)$"),
            as_usage("gs://a"),
        ):
            raise error
    with pytest.raises(UnreachableError), as_usage("gs://a"):
        raise UnreachableError
