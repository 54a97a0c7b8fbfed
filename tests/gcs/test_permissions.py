"""Who may do what."""

import io
from collections.abc import Callable

import pytest
import requests
from google import auth
from google.api_core import exceptions
from google.cloud import storage

from tests.gcs.server import Server

CHUNK = 256 * 1024
ALL = {"storage.objects.create", "storage.objects.delete", "storage.objects.get", "storage.objects.list"} | {
    "storage.objects.update",
    "storage.buckets.get",
}


@pytest.mark.parametrize(
    ("permission", "act"),
    [
        ("storage.objects.create", lambda bucket: bucket.blob("new").upload_from_string(b"")),
        ("storage.objects.create", lambda bucket: bucket.blob("n", chunk_size=CHUNK).upload_from_file(io.BytesIO())),
        ("storage.objects.delete", lambda bucket: bucket.blob("x").upload_from_string(b"")),
        ("storage.objects.create", lambda bucket: bucket.blob("new").compose([bucket.blob("x")])),
        ("storage.objects.get", lambda bucket: bucket.blob("new").compose([bucket.blob("x")])),
        ("storage.objects.delete", lambda bucket: bucket.blob("x").compose([bucket.blob("x")])),
        ("storage.objects.get", lambda bucket: bucket.blob("new").rewrite(bucket.blob("x"))),
        ("storage.objects.get", lambda bucket: bucket.blob("x").download_as_bytes()),
        ("storage.objects.get", lambda bucket: bucket.blob("x").exists()),
        ("storage.objects.list", lambda bucket: list(bucket.list_blobs())),
        ("storage.objects.list", lambda bucket: bucket.blob("missing").exists()),
        ("storage.objects.delete", lambda bucket: bucket.blob("x").delete()),
        ("storage.objects.update", lambda bucket: bucket.blob("x").patch()),
        ("storage.buckets.get", lambda bucket: bucket.reload()),
    ],
)
def test_what_is_not_granted_is_refused(
    server: Server, bucket: storage.Bucket, permission: str, act: Callable[[storage.Bucket], None]
) -> None:
    server.put("bucket", "x", b"old")
    server.grant("bucket", ALL - {permission})
    with pytest.raises(exceptions.Forbidden, match=f"Permission '{permission}' denied on resource"):
        act(bucket)
    assert server.objects("bucket") == {"x": b"old"}
    assert set(bucket.test_iam_permissions(sorted(ALL))) == ALL - {permission}
    server.grant("bucket", None)
    act(bucket)


def test_who_is_not_known_is_refused(server: Server, bucket: storage.Bucket, http: requests.Session) -> None:
    server.authorized = False
    with pytest.raises(auth.exceptions.InvalidOperation, match="cannot be refreshed"):  # the client tries to, on a 401
        bucket.blob("x").upload_from_string(b"")
    error = http.get(f"{server.url}/storage/v1/b/bucket").json()["error"]
    assert (error["code"], error["errors"][0]["reason"]) == (401, "authError")
