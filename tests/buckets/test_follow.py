"""A bucket's folder, followed while it is written."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gcs import faults
from tests.gcs.server import Server, serve
from trainer.buckets.follow import Follower
from trainer.errors import UsageError

EVENTS = "run/logs/train/events.out.tfevents.1"


@pytest.fixture
def server() -> Iterator[Server]:
    with serve(rate_limit=False) as server:
        yield server


def _follower(server: Server, folder: Path, told: list[str]) -> Follower:
    return Follower(
        "gs://bucket/run",
        folder,
        is_wanted=lambda name: name.startswith("logs/"),
        log=told.append,
        client=server.client(),
    )


def test_reads_of_what_has_grown_only_the_rest(server: Server, tmp_path: Path) -> None:
    server.put("bucket", EVENTS, b"a" * 5000)
    server.put("bucket", "run/checkpoints/latest.json", b"{}")
    follower = _follower(server, tmp_path, [])
    follower.catch_up()
    server.put("bucket", EVENTS, b"a" * 5000 + b"b" * 10)
    server.clear()
    follower.catch_up()
    copy = tmp_path / "logs" / "train" / "events.out.tfevents.1"
    assert copy.read_bytes() == b"a" * 5000 + b"b" * 10
    assert sum(record.sent for record in server.requests if record.operation == "objects.media") == 10
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]
    server.clear()
    follower.catch_up()
    assert [record.operation for record in server.requests] == ["objects.list"]


@pytest.mark.parametrize("content", [b"cut", b"x" * 5000, b"y" * 6000])
def test_what_was_written_anew_is_read_anew(server: Server, tmp_path: Path, content: bytes) -> None:
    server.put("bucket", EVENTS, b"a" * 5000)
    follower = _follower(server, tmp_path, [])
    follower.catch_up()
    server.put("bucket", EVENTS, content)
    follower.catch_up()
    assert (tmp_path / "logs" / "train" / "events.out.tfevents.1").read_bytes() == content
    server.remove("bucket", EVENTS)
    follower.catch_up()
    assert not list(tmp_path.rglob("events*"))


def test_trouble_is_told_once_and_ends(server: Server, tmp_path: Path) -> None:
    server.put("bucket", EVENTS, b"a")
    told: list[str] = []
    heard = threading.Condition()

    def tell(line: str) -> None:
        with heard:
            told.append(line)
            heard.notify_all()

    follower = Follower("gs://bucket/run", tmp_path, log=tell, client=server.client())
    end = threading.Event()
    thread = threading.Thread(target=follower.follow, args=(0.01, end))
    server.fault = faults.when(lambda request: True, faults.Status(403))
    thread.start()
    with heard:
        assert heard.wait_for(lambda: len(told) == 1, 20)
    server.fault = None
    with heard:
        assert heard.wait_for(lambda: len(told) == 2, 20)
    end.set()
    thread.join()
    assert "storage.objects.list" in told[0]
    assert told[1] == "gs://bucket/run is read again"


def test_rejects_a_bucket_that_does_not_exist(server: Server, tmp_path: Path) -> None:
    follower = Follower("gs://no-such-bucket/run", tmp_path, log=print, client=server.client())
    with pytest.raises(UsageError, match=r"must be in a bucket that exists\. Received: gs://no-such-bucket/run"):
        follower.catch_up()
