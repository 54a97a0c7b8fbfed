from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.buckets.scripted import HASTY
from tests.gcs.server import Server, serve
from trainer.buckets.objects.bucket import Bucket
from trainer.buckets.objects.failure import FencedError
from trainer.buckets.objects.folder import Folder
from trainer.buckets.objects.upload import Uploads
from trainer.buckets.objects.workers import Workers
from trainer.buckets.ownership import Ownership
from trainer.buckets.writer import Writer


class Target:
    """The object `run/a`, its file, and who writes it."""

    def __init__(self, server: Server, local: Path, token: str = "token"):
        bucket = Bucket(server.client(), "bucket", HASTY)
        self.said: list[str] = []
        self.path, self.folder = local / "a", Folder(local, bucket, "run/")
        self.ownership = Ownership(bucket, "run/", token, {})
        self.ownership.take()
        self.writer = Writer(Uploads(Workers(1), token), self.ownership, self.said.append)

    def write_file(self, content: bytes) -> bool:
        self.path.write_bytes(content)
        with self.path.open("rb") as file:
            return self.writer.write_file(self.folder, self.path, file, len(content))

    def write(self, content: bytes) -> bool:
        return self.writer.write(self.folder, self.path, content, {"key": "value"})


@pytest.fixture
def server() -> Iterator[Server]:
    with serve(rate_limit=False) as server:
        yield server


@pytest.fixture
def target(server: Server, tmp_path: Path) -> Target:
    return Target(server, tmp_path)


def test_the_object_is_the_content(server: Server, target: Target) -> None:
    for write in (target.write, target.write_file):
        for content in (b"one", b"two"):
            assert write(content)
            assert server.objects("bucket")["run/a"] == content
    server.clear()
    assert target.write(b"two")
    assert server.requests == []
    target.writer.delete(target.folder, "run/a")
    assert [*server.objects("bucket")] == ["run/owner.json"]
    assert target.folder.known == {}


def test_what_somebody_else_wrote_is_replaced_as_long_as_the_run_is_ours(server: Server, target: Target) -> None:
    target.write(b"one")
    for content in (b"two", b"three"):
        server.put("bucket", "run/a", b"theirs")
        assert target.write(content)
        assert server.objects("bucket")["run/a"] == content
    server.put("bucket", "run/a", b"theirs")
    target.writer.delete(target.folder, "run/a")
    assert server.objects("bucket")["run/a"] == b"theirs"


def test_another_owner_is_not_overwritten(server: Server, target: Target, tmp_path: Path) -> None:
    target.write(b"one")
    other = Target(server, tmp_path, "another")
    other.write(b"theirs")
    for write in (target.write, target.write_file):
        with pytest.raises(FencedError):
            write(b"two")
    with pytest.raises(FencedError):
        target.writer.delete(target.folder, "run/a")
    assert server.objects("bucket")["run/a"] == b"theirs"


def test_what_may_not_be_replaced_stays_and_is_said_once(server: Server, target: Target) -> None:
    target.write(b"one")
    target.folder.bucket.is_append_only = True
    assert target.write(b"one")
    assert not target.write(b"two")
    assert not target.write_file(b"two")
    assert server.objects("bucket")["run/a"] == b"one"
    assert target.said == [
        "gs://bucket/run: run/a is unchanged, because the permission storage.objects.delete is missing"
    ]
    assert target.writer.stuck == {target.path}
