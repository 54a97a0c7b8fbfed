"""The rules for objects, as Google's own client meets them."""

import base64
import io
from collections.abc import Callable, Iterator
from typing import Any

import google_crc32c
import pytest
import requests
from google.api_core import exceptions
from google.cloud import storage

from tests.gcs.server import Server, serve

CHUNK = 256 * 1024


def test_ranges(server: Server, bucket: storage.Bucket, http: requests.Session) -> None:
    server.put("bucket", "a/x", b"0123456789")
    assert bucket.blob("a/x").download_as_bytes(start=2, end=4) == b"234"
    assert bucket.blob("a/x").download_as_bytes(start=8) == b"89"
    with pytest.raises(exceptions.RequestRangeNotSatisfiable):
        bucket.blob("a/x").download_as_bytes(start=10)
    address = f"{server.url}/bucket/a/x"  # as TensorFlow asks
    part = http.get(address, headers={"Range": "bytes=-3"})
    assert (part.status_code, part.content, part.headers["Content-Range"]) == (206, b"789", "bytes 7-9/10")
    assert part.headers["X-Goog-Generation"] == str(server.generation("bucket", "a/x"))
    assert part.headers["X-Goog-Hash"] == "crc32c=KAwGng==,md5=eB5eJF1ptWaXm4bijSPyxw=="
    assert b"<Message>No such object: bucket/a/y</Message>" in http.get(f"{server.url}/bucket/a/y").content


WRONG: dict[str, Any] = {"if_generation_match": 1}
ABSENT: dict[str, Any] = {"if_generation_match": 0}
OTHER_META: dict[str, Any] = {"if_metageneration_match": 2}


@pytest.mark.parametrize("wrong", [WRONG, ABSENT, OTHER_META], ids=["generation", "absent", "metageneration"])
@pytest.mark.parametrize(
    "act",
    [
        lambda bucket, wrong: bucket.blob("x").upload_from_string(b"new", **wrong),
        lambda bucket, wrong: bucket.blob("x", chunk_size=CHUNK).upload_from_file(io.BytesIO(b"new"), **wrong),
        lambda bucket, wrong: bucket.blob("x").compose([bucket.blob("y")], **wrong),
        lambda bucket, wrong: bucket.blob("x").rewrite(bucket.blob("y"), **wrong),
        lambda bucket, wrong: bucket.copy_blob(bucket.blob("y"), bucket, "x", **wrong),
        lambda bucket, wrong: bucket.blob("x").patch(**wrong),
        lambda bucket, wrong: bucket.blob("x").delete(**wrong),
        lambda bucket, wrong: bucket.blob("x").reload(**wrong),
        lambda bucket, wrong: bucket.blob("x").download_as_bytes(**wrong),
    ],
    ids=["insert", "resumable", "compose", "rewrite", "copy", "patch", "delete", "get", "media"],
)
def test_preconditions_that_do_not_hold(
    server: Server, bucket: storage.Bucket, act: Callable[[storage.Bucket, dict[str, Any]], None], wrong: dict[str, Any]
) -> None:
    generation = server.put("bucket", "x", b"old")
    server.put("bucket", "y", b"other")
    with pytest.raises(exceptions.PreconditionFailed, match="At least one of the pre-conditions"):
        act(bucket, wrong)
    assert (server.objects("bucket")["x"], server.generation("bucket", "x")) == (b"old", generation)


def test_generations_grow_and_preconditions_hold(server: Server, bucket: storage.Bucket) -> None:
    blob = bucket.blob("x")
    blob.upload_from_string(b"1", if_generation_match=0)
    first = blob.generation
    blob.upload_from_string(b"2", if_generation_match=first)
    assert blob.generation > first
    blob.metadata = {"a": "1", "b": "2"}
    blob.patch(if_metageneration_match=1)
    blob.metadata = {"a": None, "c": "3"}
    blob.patch(if_metageneration_match=2, if_generation_not_match=first)
    assert (blob.metageneration, blob.metadata) == (3, {"b": "2", "c": "3"})
    with pytest.raises(exceptions.NotModified):
        bucket.blob("x").reload(if_generation_not_match=blob.generation)
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.blob("x").delete(if_generation_not_match=blob.generation)
    with pytest.raises(exceptions.NotFound):
        bucket.blob("x", generation=first).download_as_bytes()
    blob.delete(if_generation_match=blob.generation)
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.blob("x").upload_from_string(b"3", if_generation_match=blob.generation)
    blob.upload_from_string(b"4", if_generation_match=0)
    assert server.objects("bucket") == {"x": b"4"}


def test_composes(server: Server, bucket: storage.Bucket) -> None:
    sources = [bucket.blob(f"part-{number:02}") for number in range(33)]
    for number, source in enumerate(sources):
        server.put("bucket", source.name, bytes([number]))
    whole = bucket.blob("whole")
    whole.metadata = {"step": "3"}
    whole.compose(sources[:32], if_generation_match=0)
    assert bucket.blob("whole").download_as_bytes() == bytes(range(32))
    assert (whole.md5_hash, whole.component_count, whole.metadata) == (None, 32, {"step": "3"})
    assert whole.crc32c == base64.b64encode(google_crc32c.value(bytes(range(32))).to_bytes(4, "big")).decode()
    longer = bucket.blob("whole")
    longer.compose([bucket.blob("whole"), sources[32]])
    assert (longer.component_count, longer.size) == (33, 33)
    with pytest.raises(exceptions.BadRequest, match="33"):
        bucket.blob("more").compose(sources)
    with pytest.raises(exceptions.BadRequest, match="0"):
        bucket.blob("none").compose([])


def test_rejects_composes(server: Server, bucket: storage.Bucket) -> None:
    generation = server.put("bucket", "x", b"x")
    with pytest.raises(exceptions.NotFound, match="No such object: bucket/missing"):
        bucket.blob("new").compose([bucket.blob("x"), bucket.blob("missing")])
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.blob("new").compose([bucket.blob("x")], if_source_generation_match=[generation - 1])
    with pytest.raises(exceptions.NotFound):
        bucket.blob("new").compose([bucket.blob("x", generation=generation - 1)])
    with pytest.raises(exceptions.BadRequest, match="CRC32C"):  # a handle that was loaded sends its old checksums
        bucket.get_blob("x").compose([bucket.blob("x"), bucket.blob("x")])
    assert server.objects("bucket") == {"x": b"x"}


def test_copies(server: Server, bucket: storage.Bucket) -> None:
    source = bucket.blob("x")
    source.metadata = {"a": "1"}
    source.upload_from_string(b"x", content_type="text/plain")
    copy = bucket.copy_blob(source, bucket, "copy", if_source_generation_match=source.generation)
    rewritten = bucket.blob("rewritten")
    assert rewritten.rewrite(source) == (None, 1, 1)
    rewritten.reload()
    for one in (copy, rewritten):
        assert (one.metadata, one.content_type, one.md5_hash) == ({"a": "1"}, "text/plain", source.md5_hash)
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.copy_blob(source, bucket, "other", if_source_generation_match=1)
    assert set(server.objects("bucket")) == {"x", "copy", "rewritten"}


def test_lists_in_pages(server: Server, bucket: storage.Bucket) -> None:
    for name in ("a/1", "a/2", "b", "c/1", "c/d/2", "ü", "z"):
        server.put("bucket", name, b"")
    assert [blob.name for blob in bucket.list_blobs(page_size=2)] == ["a/1", "a/2", "b", "c/1", "c/d/2", "z", "ü"]
    assert len(server.requests) == 4
    pages = list(bucket.list_blobs(delimiter="/", page_size=2).pages)
    assert [[blob.name for blob in page] for page in pages] == [["b"], ["z"], ["ü"]]
    assert [sorted(page.prefixes) for page in pages] == [["a/"], ["c/"], []]
    inner = bucket.list_blobs(prefix="c/", delimiter="/")
    assert ([blob.name for blob in inner], inner.prefixes) == (["c/1"], {"c/d/"})
    bucket.blob("a/3").upload_from_string(b"")
    bucket.blob("a/1").delete()
    assert [blob.name for blob in bucket.list_blobs(prefix="a/")] == ["a/2", "a/3"]


@pytest.mark.parametrize("size", [8 * 1024, 8 * 1024 + 1])
def test_metadata_has_its_limit(server: Server, bucket: storage.Bucket, size: int) -> None:
    blob = bucket.blob("x")
    blob.metadata = {"key": "v" * (size - 3)}
    if size > 8 * 1024:
        with pytest.raises(exceptions.BadRequest, match="exceed the maximum of 8192 bytes"):
            blob.upload_from_string(b"")
    else:
        blob.upload_from_string(b"")
    assert ("x" in server.objects("bucket")) == (size == 8 * 1024)


def test_one_write_a_second_to_each_object() -> None:
    time = [100.0]
    with serve(clock=lambda: time[0]) as server:
        bucket = server.client().bucket("bucket")

        def writes() -> Iterator[Callable[[], object]]:
            yield lambda: bucket.blob("x").upload_from_string(b"2", retry=None)
            yield lambda: bucket.blob("x").compose([bucket.blob("x")], retry=None)
            yield lambda: bucket.blob("x").rewrite(bucket.blob("x"), retry=None)
            yield lambda: bucket.blob("x").patch(retry=None)
            yield lambda: bucket.blob("x").delete(retry=None)
            yield lambda: bucket.blob("x", chunk_size=CHUNK).upload_from_file(io.BytesIO(), retry=None)

        bucket.blob("x").upload_from_string(b"1")
        bucket.blob("y").upload_from_string(b"1")
        for write in writes():
            time[0] += 0.5
            with pytest.raises(exceptions.TooManyRequests, match="bucket/x exceeded the rate limit"):
                write()
            time[0] += 0.5
            write()
        with pytest.raises(exceptions.PreconditionFailed):  # is no write
            bucket.blob("y").upload_from_string(b"2", if_generation_match=0)
        bucket.blob("y").upload_from_string(b"2")
