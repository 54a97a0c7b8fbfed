"""The fake as Google's own client sees it."""

import base64
import contextlib
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import google_crc32c
import pytest
import requests
from google.api_core import exceptions
from google.cloud import storage

from tests.gcs.folder import Folder
from tests.gcs.server import Server, serve


def test_what_was_written_is_read_and_described(server: Server, bucket: storage.Bucket) -> None:
    blob = bucket.blob("a/b ü?#.txt")
    blob.metadata = {"step": "7"}
    blob.upload_from_string(b"hello", content_type="text/plain")
    again = bucket.get_blob(blob.name)
    assert again.download_as_bytes() == server.objects("bucket")[blob.name] == b"hello"
    assert (again.size, again.content_type, again.metadata) == (5, "text/plain", {"step": "7"})
    assert again.crc32c == base64.b64encode(google_crc32c.value(b"hello").to_bytes(4, "big")).decode() == "mnG7TA=="
    assert again.md5_hash == "XUFAKrxLKna5cZ2REBfFkg=="
    assert (again.generation, again.metageneration) == (server.generation("bucket", blob.name), 1)
    assert again.time_created == again.updated


def test_only_the_fields_that_were_asked_for_come(server: Server, bucket: storage.Bucket) -> None:
    server.put("bucket", "a/x", b"x")
    (blob,) = bucket.list_blobs(fields="items(name,size),nextPageToken")
    assert (blob.name, blob.size, blob.generation) == ("a/x", 1, None)
    listing = bucket.list_blobs(delimiter="/", fields="items/name,prefixes")
    assert ([blob.name for blob in listing], listing.prefixes) == ([], {"a/"})


def test_deletes_singly_and_in_batches(server: Server, bucket: storage.Bucket) -> None:
    for name in ("a", "b", "c"):
        server.put("bucket", name, b"")
    bucket.blob("a").delete()
    with pytest.raises(exceptions.NotFound, match="No such object: bucket/a"):
        bucket.blob("a").delete()
    with bucket.client.batch():
        bucket.blob("b").delete()
        bucket.blob("c").delete()
    assert server.objects("bucket") == {}
    with pytest.raises(exceptions.NotFound), bucket.client.batch():
        bucket.blob("b").delete()
    deleted = [(record.name, record.status, record.batched) for record in server.requests if record.name]
    assert deleted == [("a", 204, False), ("a", 404, False), ("b", 204, True), ("c", 204, True), ("b", 404, True)]


def test_buckets(server: Server) -> None:
    client = server.client()
    assert client.create_bucket("other").exists()
    assert not client.bucket("none").exists()
    with pytest.raises(exceptions.Conflict):
        client.create_bucket("other")
    with pytest.raises(exceptions.NotFound, match="The specified bucket does not exist"):
        client.bucket("none").blob("x").upload_from_string(b"")
    with pytest.raises(exceptions.NotFound):
        list(client.list_blobs("none"))


def test_rejects_what_it_does_not_know(server: Server, bucket: storage.Bucket, http: requests.Session) -> None:
    with pytest.raises(exceptions.MethodNotImplemented, match="versions"):
        list(bucket.list_blobs(versions=True))
    with pytest.raises(exceptions.MethodNotImplemented, match="if-match"):
        bucket.blob("x").reload(if_etag_match="x")
    assert http.get(f"{server.url}/storage/v1/b/bucket/acl").status_code == 404
    assert http.get(f"{server.url}/storage/v1/b/bucket/o/a/b").status_code == 404  # a slash must come as %2F
    assert http.get(f"{server.url}/storage/v1/b/bucket/o/x?ifGenerationMatch=x").status_code == 400
    assert http.patch(f"{server.url}/storage/v1/b/bucket/o/x", b"{").status_code == 400
    upload = f"{server.url}/upload/storage/v1/b/bucket/o?uploadType=resumable"
    assert http.post(upload).status_code == 400  # without a name
    assert http.post(f"{upload}&name=x", json={"name": "y"}).status_code == 400
    for name in ("line%0Abreak", "..", "x" * 1025):
        assert http.post(f"{upload}&name={name}").status_code == 400
    assert http.post(f"{server.url}/storage/v1/b", json={"name": "No"}).status_code == 400


def test_bytes_and_requests_are_counted(server: Server, bucket: storage.Bucket) -> None:
    bucket.blob("x").upload_from_string(bytes(1000))
    bucket.blob("x").download_as_bytes()
    sent, got = server.requests
    assert (sent.method, sent.operation, sent.bucket, sent.name, sent.status) == (
        *("POST", "objects.insert", "bucket", "x", 200),
    )
    assert 1000 < sent.received < 1500
    assert (got.operation, got.name, got.received, got.sent) == ("objects.media", "x", 0, 1000)
    server.clear()
    assert server.requests == []


def test_many_at_a_time_never_lose_a_write(server: Server) -> None:
    server.put("bucket", "counter", b"0")

    def count(_: int) -> None:
        bucket = server.client().bucket("bucket")
        while True:
            try:
                blob = bucket.get_blob("counter")  # a handle that is loaded keeps to its generation, even in reload()
                now = int(blob.download_as_bytes(raw_download=True))  # of the generation that was loaded
                blob.upload_from_string(str(now + 1), if_generation_match=blob.generation)
            except (exceptions.NotFound, exceptions.PreconditionFailed):
                continue
            return

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(16)))
    assert server.objects("bucket") == {"counter": b"16"}


def test_runs_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = [sys.executable, "-m", "tests.gcs.server", "--port=0", "--bucket=demo", f"--folder={tmp_path}"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
    with contextlib.ExitStack() as ending:
        ending.enter_context(process)
        ending.callback(process.kill)
        assert process.stdout is not None
        line = process.stdout.readline()
        said = re.fullmatch(r"gs://demo: export STORAGE_EMULATOR_HOST=(\S+)  \(Ctrl-C ends it\)\n", line)
        assert said
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", said[1])
        with contextlib.closing(storage.Client()) as client:
            client.bucket("demo").blob("a/x").upload_from_string(b"hello")
            assert (tmp_path / "demo" / "a" / "x").read_bytes() == b"hello"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0


def test_a_folder_follows_the_objects(tmp_path: Path) -> None:
    with serve(rate_limit=False, changed=Folder(tmp_path / "root")) as server:
        bucket = server.client().bucket("bucket")
        for name in ("a/x", "a", "folder/", "../../out", "y"):  # a file cannot have the second to fourth of these names
            bucket.blob(name).upload_from_string(b"x")
        bucket.blob("y").delete()
        assert set(server.objects("bucket")) == {"a/x", "a", "folder/", "../../out"}
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()] == ["root/bucket/a/x"]
