import resource
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.gcs import faults
from tests.gcs.server import Server, serve
from trainer.buckets.objects.bucket import Bucket
from trainer.buckets.objects.download import RANGE, Download, run_all
from trainer.buckets.objects.failure import ChangedError, CorruptError, UnreachableError
from trainer.buckets.objects.patience import Patience
from trainer.buckets.objects.workers import Workers
from trainer.errors import StorageError

LARGE = Random(0).randbytes(3 * RANGE + 5)
MEDIA = faults.on("objects.media")


@pytest.fixture
def server() -> Iterator[Server]:
    with serve(rate_limit=False) as server:
        yield server


@pytest.fixture
def bucket(server: Server) -> Bucket:
    return Bucket(server.client(), "bucket", Patience(0.02, 0.001, 0.01))


@pytest.fixture
def workers() -> Iterator[Workers]:
    workers = Workers(4)
    yield workers
    workers.close()


def _download(server: Server, bucket: Bucket, path: Path, content: bytes) -> Download:
    server.put("bucket", path.name, content)
    one = bucket.look(path.name)
    assert one is not None
    return Download(bucket, one, path)


def test_files_are_what_the_objects_are(server: Server, bucket: Bucket, workers: Workers, tmp_path: Path) -> None:
    contents = {"a": b"", "b": b"b", "c": LARGE[:RANGE], "d": LARGE[: RANGE + 1], "e": LARGE}
    run_all([_download(server, bucket, tmp_path / "x" / name, content) for name, content in contents.items()], workers)
    assert {path.name: path.read_bytes() for path in (tmp_path / "x").iterdir()} == contents
    assert sum(record.operation == "objects.media" for record in server.requests) == 3 + 2 + 4


def test_what_was_broken_off_goes_on(server: Server, bucket: Bucket, tmp_path: Path) -> None:
    one, workers = _download(server, bucket, tmp_path / "a", LARGE), Workers(1)
    server.fault = faults.after(2, faults.CutReply(100), MEDIA)
    with pytest.raises(UnreachableError):
        one.run(workers)
    assert not one.path.exists()
    server.fault = None
    server.clear()
    one.run(workers)
    assert one.path.read_bytes() == LARGE
    assert sum(record.sent for record in server.requests) == len(LARGE) - 2 * RANGE
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_what_changes_meanwhile_is_told(server: Server, bucket: Bucket, workers: Workers, tmp_path: Path) -> None:
    one = _download(server, bucket, tmp_path / "a", b"one")
    server.put("bucket", "a", b"two")
    with pytest.raises(ChangedError, match="^gs://bucket/a was changed while it was read$"):
        one.run(workers)
    assert not one.path.exists()


@pytest.mark.parametrize("content", [b"content", LARGE], ids=["small", "large"])
def test_what_arrives_damaged_is_fetched_again(
    server: Server, bucket: Bucket, workers: Workers, tmp_path: Path, content: bytes
) -> None:
    one = _download(server, bucket, tmp_path / "a", content)
    server.fault = faults.nth(1, faults.Flip(3), MEDIA)
    one.run(workers)
    assert one.path.read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_what_stays_damaged_is_told(server: Server, bucket: Bucket, workers: Workers, tmp_path: Path) -> None:
    one = _download(server, bucket, tmp_path / "a", LARGE)
    server.fault = faults.when(MEDIA, faults.Flip(3))
    with pytest.raises(CorruptError, match="^gs://bucket/a: the download has a wrong checksum$"):
        one.run(workers)
    assert not one.path.exists()


@pytest.mark.parametrize("content", [b"=" * 100_000, LARGE], ids=["small", "large"])
def test_a_full_disk_is_told(server: Server, bucket: Bucket, workers: Workers, tmp_path: Path, content: bytes) -> None:
    one = _download(server, bucket, tmp_path / "a", content)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        with pytest.raises(StorageError, match=r"^/.*/a cannot be written: File too large$"):
            one.run(workers)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
