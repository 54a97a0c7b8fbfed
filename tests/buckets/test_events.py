from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.buckets.scripted import HASTY, framed
from tests.gcs import faults
from tests.gcs.server import Server, serve
from trainer.buckets.events.files import EventFiles, is_event_file
from trainer.buckets.objects.bucket import Bucket
from trainer.buckets.objects.failure import FencedError, UnreachableError
from trainer.buckets.objects.folder import Folder
from trainer.buckets.objects.upload import Uploads
from trainer.buckets.objects.workers import Workers
from trainer.buckets.ownership import Ownership

LONG = framed(b"=" * 20_000)


class Log:
    """An event file, and the object that it lands in."""

    def __init__(self, server: Server, local: Path, token: str = "token"):
        self.server, self.path = server, local / "events.out.tfevents.1.host"
        bucket = Bucket(server.client(), "bucket", HASTY)
        self.folder = Folder(local, bucket, "logs/", known={one.name: one for one in bucket.list("logs/")})
        self.ownership = Ownership(bucket, "", token, {})
        self.ownership.take()
        self.files = EventFiles(self.folder, Uploads(Workers(1), token), self.ownership)

    def sync(self, *added: bytes) -> Counter[str]:
        """Adds to the file, has it sent, and returns what that took."""
        with self.path.open("ab") as file:
            file.writelines(added)
        self.server.clear()
        self.files.sync(self.path)
        return Counter(record.operation.rpartition(".")[2] for record in self.server.requests)

    @property
    def content(self) -> bytes:
        return self.server.objects("bucket").get(f"logs/{self.path.name}", b"")


@pytest.fixture
def server() -> Iterator[Server]:
    with serve(rate_limit=False) as server:
        yield server


@pytest.fixture
def log(server: Server, tmp_path: Path) -> Log:
    return Log(server, tmp_path)


def test_what_is_an_event_file() -> None:
    names = ("events.out.tfevents.1.host.2.v2", "events.out.tfevents.1.profile-empty", "sprite.png", "projector.pbtxt")
    assert [is_event_file(Path(name)) for name in names] == [True, True, False, False]


def test_only_what_is_new_is_sent(log: Log) -> None:
    assert log.sync(LONG) == {"insert": 1}
    assert log.sync() == {}
    assert log.sync(LONG) == {"insert": 1, "compose": 1, "delete": 1}
    assert sum(record.received for record in log.server.requests) < 1.1 * len(LONG)
    assert log.content == 2 * LONG


def test_a_short_one_is_sent_whole(log: Log) -> None:
    for count in range(1, 5):
        assert log.sync(framed(b"event")) == {"insert": 1}
        assert log.content == count * framed(b"event")


def test_only_whole_records_land(log: Log) -> None:
    assert log.sync(LONG[:-1]) == {}
    log.sync(LONG[-1:], LONG[:100])
    assert log.content == LONG
    log.sync(LONG[100:])
    assert log.content == 2 * LONG


def test_a_file_that_was_cut_back_is_sent_whole(log: Log) -> None:
    log.sync(LONG, LONG)
    log.path.write_bytes(LONG)
    log.sync()
    assert log.content == LONG


def test_a_file_that_was_cut_back_and_has_grown_is_sent_whole(log: Log) -> None:
    log.sync(LONG, LONG)
    log.path.write_bytes(LONG)
    log.sync(framed(b"-" * 30_000))
    assert log.content == LONG + framed(b"-" * 30_000)


@pytest.mark.parametrize("later", [LONG, framed(b"-" * 30_000)])
def test_a_new_process_compares_what_is_there(server: Server, log: Log, later: bytes) -> None:
    log.sync(LONG, LONG)
    log.path.write_bytes(LONG + later)
    again = Log(server, log.folder.local, "another")
    again.sync(LONG)
    assert again.content == LONG + later + LONG


@pytest.mark.parametrize(
    ("added", "requests"),
    [
        ((), {"compose": 1, "get": 1, "delete": 1}),
        ((LONG,), {"insert": 2, "compose": 2, "get": 1, "list": 1, "delete": 3}),
    ],
    ids=["as it was", "longer by now"],
)
def test_what_landed_without_an_answer_stays(log: Log, added: Sequence[bytes], requests: dict[str, int]) -> None:
    log.sync(LONG)
    log.server.fault = faults.when(
        lambda request: request.operation in ("objects.compose", "objects.get"), faults.LostReply()
    )
    with pytest.raises(UnreachableError):
        log.sync(LONG)
    assert log.content == 2 * LONG
    log.server.fault = None
    assert log.sync(*added) == requests
    assert log.content == log.path.read_bytes()
    assert not [name for name in log.server.objects("bucket") if ".parts" in name]


def test_what_somebody_else_changed_is_sent_whole(log: Log) -> None:
    log.sync(LONG)
    for change in (
        lambda name: log.server.put("bucket", name, b"theirs"),
        lambda name: log.server.remove("bucket", name),
    ):
        change(f"logs/{log.path.name}")
        log.sync(LONG)
        assert log.content == log.path.read_bytes()


def test_another_process_is_not_overwritten(server: Server, log: Log, tmp_path: Path) -> None:
    log.sync(LONG)
    other = Log(server, tmp_path / "other", "another")
    other.path.parent.mkdir()
    other.sync(LONG, framed(b"theirs"))
    with pytest.raises(FencedError):
        log.sync(LONG)
    assert log.content == LONG + framed(b"theirs")


def test_where_nothing_can_be_replaced_every_sync_is_a_piece(server: Server, log: Log) -> None:
    server.grant("bucket", {"storage.objects.create", "storage.objects.get", "storage.objects.list"})
    log.folder.bucket.is_append_only = True
    assert [log.sync(framed(text)) for text in (b"version", b"1", b"2")] == 3 * [{"insert": 1}]
    assert log.sync() == {}
    log.path.write_bytes(framed(b"version") + framed(b"1"))  # it is cut back
    assert log.sync() == {}
    log.sync(framed(b"3"))
    pieces = [content for name, content in server.objects("bucket").items() if name.startswith("logs/")]
    assert pieces == [framed(b"version"), *(framed(b"version") + framed(text) for text in (b"1", b"2", b"3"))]


def test_pieces_become_one_file_as_soon_as_they_can(server: Server, log: Log) -> None:
    log.folder.bucket.is_append_only = True
    log.sync(framed(b"version"))
    log.sync(framed(b"1"))
    log.folder.bucket.is_append_only = False
    log.sync()
    assert log.content == framed(b"version") + framed(b"1")
    assert log.sync() == {}
