import base64
import io
from collections.abc import Iterator

import pytest

from tests.buckets.scripted import HASTY
from tests.gcs import faults
from tests.gcs.server import Server, serve
from trainer.buckets.objects.bucket import Bucket
from trainer.buckets.objects.failure import ChangedError, MissingError, RefusedError, UnreachableError
from trainer.buckets.objects.object import Object, crc32c
from trainer.buckets.objects.patience import Patience

LOST = (*faults.TRANSIENT, faults.Status(408), faults.CutReply(1), faults.Flip())


@pytest.fixture
def server() -> Iterator[Server]:
    with serve(rate_limit=False) as server:
        yield server


@pytest.fixture
def bucket(server: Server) -> Bucket:
    return Bucket(server.client(), "bucket", HASTY)


def test_what_was_written_is_read(server: Server, bucket: Bucket) -> None:
    one = bucket.put("a/b", b"hello", 0, {"key": "value"})
    assert one == Object("a/b", 5, crc32c(b"hello"), server.generation("bucket", "a/b"), {"key": "value"})
    assert (bucket.look("a/b"), bucket.look("a")) == (one, None)
    assert (bucket.read(one), bucket.read(one, 1, 3)) == (b"hello", b"el")
    bucket.delete("a/b", one.generation)
    bucket.delete("a/b")
    assert server.objects("bucket") == {}


def test_lists_page_by_page(server: Server, bucket: Bucket) -> None:
    for number in range(1_100):
        server.put("bucket", f"a/{number:04d}", b"")
    server.put("bucket", "a/b/c", b"x")
    assert [one.name for one in bucket.list("a/")] == [*(f"a/{number:04d}" for number in range(1_100)), "a/b/c"]
    assert len(bucket.list("a/", is_shallow=True)) == 1_100
    assert bucket.list("none/") == []


@pytest.mark.parametrize("fault", LOST, ids=str)
def test_what_passes_is_tried_again(server: Server, bucket: Bucket, fault: faults.Fault) -> None:
    def once(operation: str) -> None:
        server.fault = faults.nth(1, fault, faults.on(operation))

    once("objects.insert")
    one = bucket.put("a", b"hello" * 1000, 0)
    once("objects.insert")
    two = bucket.put("b", b"world", 0)
    once("objects.compose")
    both = bucket.compose("a", [one, two], one.generation, crc32c(b"hello" * 1000 + b"world"), {"key": "value"})
    assert both.metadata == {"key": "value"}
    once("objects.media")
    assert bucket.read(both) == b"hello" * 1000 + b"world"
    once("objects.list")
    assert bucket.list("") == [both, two]
    once("objects.get")
    assert bucket.look("b") == two
    once("objects.delete")
    bucket.delete("b", two.generation)
    assert [*server.objects("bucket")] == ["a"]
    assert sum(record.fault is not None for record in server.requests) == 7


def test_what_another_wrote_is_told(server: Server, bucket: Bucket) -> None:
    mine = bucket.put("a", b"mine", 0)
    server.put("bucket", "a", b"theirs")
    found = bucket.look("a")
    for write in (
        lambda: bucket.put("a", b"more", mine.generation),
        lambda: bucket.put("a", b"more", 0),
        lambda: bucket.compose("a", [mine], mine.generation, mine.crc32c),
    ):
        with pytest.raises(ChangedError) as raised:
            write()
        assert raised.value.found == found
    for refused in (lambda: bucket.read(mine), lambda: bucket.delete("a", mine.generation)):
        with pytest.raises(ChangedError):
            refused()
    assert server.objects("bucket") == {"a": b"theirs"}


def test_a_write_that_was_done_already_is_done(server: Server, bucket: Bucket) -> None:
    one = bucket.put("a", b"content", 0)
    assert bucket.put("a", b"content", 0) == one
    assert bucket.put("a", b"content", 12345) == one
    with pytest.raises(ChangedError):
        bucket.put("a", b"content", 0, {"written": "by another"})


def test_a_part_that_is_gone_is_told(server: Server, bucket: Bucket) -> None:
    one, two = bucket.put("a", b"a", 0), bucket.put("b", b"b", 0)
    server.remove("bucket", "b")
    with pytest.raises(ChangedError, match="a part of it is missing") as raised:
        bucket.compose("a", [one, two], one.generation, crc32c(b"ab"))
    assert raised.value.found == one


def test_a_large_file_in_one_object(server: Server, bucket: Bucket) -> None:
    content = bytes(9 << 20) + b"end"
    server.fault = faults.nth(1, faults.CutRequest(3 << 20), faults.on("resumable.chunk"))
    one = bucket.put_file("a", io.BytesIO(content), len(content), crc32c(content), 0)
    assert one.size == len(content)
    assert server.objects("bucket")["a"] == content


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (faults.Status(503), "503 Service Unavailable"),
        (faults.Status(429), "429 Too Many Requests"),
        (faults.Reset(), "no connection (ConnectionError)"),
        (faults.Stall(), "no answer in time"),
    ],
    ids=str,
)
def test_says_what_lasts_without_addresses(server: Server, fault: faults.Fault, words: str) -> None:
    bucket = Bucket(server.client(), "bucket", Patience(0.02, 0.001, 0.01), timeout=0.1)
    server.fault = faults.when(lambda request: True, fault)
    with pytest.raises(UnreachableError) as raised:
        bucket.put("a", b"content", 0)
    server.release.set()
    assert str(raised.value) == f"gs://bucket: cannot write a: {words}"
    assert raised.value.__cause__ is None


def test_says_which_permission_is_missing(server: Server, bucket: Bucket) -> None:
    one = bucket.put("a", b"", 0)
    server.grant("bucket", set())
    asked = {
        "create": lambda: bucket.put("b", b"", 0),
        "get": lambda: bucket.read(one),
        "list": lambda: bucket.list(""),
    }
    for permission, ask in asked.items():
        with pytest.raises(RefusedError, match=rf"the permission storage\.objects\.{permission} is missing \(403\)$"):
            ask()
    assert not bucket.is_append_only
    server.grant("bucket", {"storage.objects.create", "storage.objects.get"})
    with pytest.raises(
        RefusedError, match=r"cannot write a: the permission storage\.objects\.delete is missing \(403\)$"
    ):
        bucket.put("a", b"content", one.generation)
    assert bucket.is_append_only
    assert not bucket.may("storage.objects.delete")
    assert bucket.may("storage.objects.get")


def test_says_that_nobody_knows_the_account(server: Server, bucket: Bucket) -> None:
    server.authorized = False
    with pytest.raises(RefusedError, match=r"cannot write a: the service does not know this account \(401\); it needs"):
        bucket.put("a", b"content", 1)
    assert not bucket.is_append_only


def test_says_that_there_is_no_such_bucket(server: Server) -> None:
    bucket = Bucket(server.client(), "none-such", HASTY)
    for ask in (lambda: bucket.list(""), lambda: bucket.put("a", b"", 0), lambda: bucket.may("storage.objects.get")):
        with pytest.raises(MissingError, match=r"^gs://none-such: cannot .*: the bucket does not exist$"):
            ask()


def test_a_checksum_goes_on_from_another() -> None:
    assert crc32c(b"world", crc32c(b"hello ")) == crc32c(b"hello world")
    assert base64.b64encode(crc32c(b"hello").to_bytes(4, "big")) == b"mnG7TA=="
