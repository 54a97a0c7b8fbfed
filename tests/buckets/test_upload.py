from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.buckets.scripted import HASTY
from tests.gcs import faults
from tests.gcs.server import Server, serve
from trainer.buckets.objects.bucket import Bucket
from trainer.buckets.objects.failure import ChangedError, InterruptedSyncError, RefusedError, UnreachableError
from trainer.buckets.objects.folder import Folder
from trainer.buckets.objects.object import Object, crc32c
from trainer.buckets.objects.patience import Patience
from trainer.buckets.objects.upload import Uploads, checksum, spans
from trainer.buckets.objects.workers import Workers

PART = 1 << 10
MIB = 1 << 20
CONTENT = Random(0).randbytes(100 * PART)


@pytest.fixture
def server() -> Iterator[Server]:
    with serve(rate_limit=False) as server:
        yield server


@pytest.fixture
def workers() -> Iterator[Workers]:
    workers = Workers(4)
    yield workers
    workers.close()


class Target:
    """The object `run/a`, and the file that it is made from."""

    def __init__(self, folder: Folder, uploads: Uploads):
        self.folder, self.uploads = folder, uploads

    def write(self, size: int) -> Object:
        """Writes so many bytes."""
        (self.folder.local / "a").write_bytes(CONTENT[:size])
        with (self.folder.local / "a").open("rb") as file:
            return self.uploads.write(self.folder, "run/a", file, (0, size))


@pytest.fixture
def target(server: Server, workers: Workers, tmp_path: Path) -> Target:
    bucket = Bucket(server.client(), "bucket", HASTY)
    return Target(Folder(tmp_path, bucket, "run/"), Uploads(workers, "token", PART))


@pytest.mark.parametrize(
    ("size", "sizes"),
    [
        (0, [0]),
        (MIB, [MIB]),
        (8 * MIB, [8 * MIB]),
        (9 * MIB, [4.5 * MIB] * 2),
        (20 * MIB, [5 * MIB] * 4),
        (40 * MIB, [5 * MIB] * 8),
        (64 * MIB, [8 * MIB] * 8),
        (65 * MIB, [65 / 12 * MIB] * 12),
    ],
)
def test_parts_are_of_4_to_8_mib_and_fit_the_workers(size: int, sizes: list[float]) -> None:
    found = spans(7, 7 + size, 4)
    assert [pytest.approx(stop - start, abs=1) for start, stop in found] == sizes
    assert (found[0][0], found[-1][1]) == (7, 7 + size)
    assert [stop for _, stop in found[:-1]] == [start for start, _ in found[1:]]


def test_a_checksum_of_a_range(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(CONTENT)
    with (tmp_path / "a").open("rb") as file:
        assert checksum(file, 10, 5000, crc32c(b"before")) == crc32c(b"before" + CONTENT[10:5000])


@pytest.mark.parametrize("parts", [0, 1, 2, 31, 32, 33, 70, 100])
def test_the_object_is_the_file(server: Server, target: Target, parts: int) -> None:
    target.write(parts * PART - parts // 2)
    assert server.objects("bucket") == {"run/a": CONTENT[: parts * PART - parts // 2]}
    target.write(parts * PART)
    assert server.objects("bucket") == {"run/a": CONTENT[: parts * PART]}
    assert target.folder.generation("run/a") == server.generation("bucket", "run/a")


@pytest.mark.parametrize("stop", [PART + 10, 40 * PART, 90 * PART])
def test_adds_to_what_is_there(server: Server, target: Target, stop: int) -> None:
    former = target.write(PART)
    server.clear()
    with (target.folder.local / "a").open("r+b") as file:
        file.write(CONTENT[:stop])
        file.flush()
        target.uploads.write(target.folder, "run/a", file, (PART, stop), former=former)
    assert server.objects("bucket") == {"run/a": CONTENT[:stop]}
    assert (
        sum(record.received for record in server.requests if record.operation == "objects.insert") < 1.5 * stop + 1000
    )


def test_what_was_sent_is_not_sent_again(server: Server, target: Target) -> None:
    server.fault = faults.when(faults.on("objects.compose"), faults.Status(503))
    with pytest.raises(UnreachableError):
        target.write(8 * PART)
    server.fault = None
    server.clear()
    target.write(8 * PART)
    assert Counter(record.operation for record in server.requests) == {"objects.compose": 1, "objects.delete": 8}
    assert server.objects("bucket") == {"run/a": CONTENT[: 8 * PART]}


def test_what_is_given_up_between_two_parts_goes_on_later(server: Server, target: Target) -> None:
    hurried: list[bool] = []
    target.uploads = Uploads(Workers(1), "token", PART, lambda: bool(hurried))
    server.fault = lambda request: hurried.append(True) if request.number == 3 else None
    with pytest.raises(InterruptedSyncError):
        target.write(8 * PART)
    assert len(server.objects("bucket")) == 3
    hurried.clear()
    target.write(8 * PART)
    assert server.objects("bucket") == {"run/a": CONTENT[: 8 * PART]}
    assert sum(record.operation == "objects.insert" for record in server.requests) == 8


def test_parts_that_are_not_wanted_any_more_are_deleted(server: Server, target: Target) -> None:
    server.fault = faults.after(3, faults.LostReply(), faults.on("objects.insert"))
    target.folder.bucket._patience = Patience(0.01, 0.001)
    with pytest.raises(UnreachableError):
        target.write(8 * PART)
    server.fault = None
    assert [name for name in server.objects("bucket") if name.startswith("run/.parts/token/")]
    target.uploads.sweep({"run/a"})
    assert server.objects("bucket")
    target.uploads.sweep(())
    assert server.objects("bucket") == {}


def test_what_another_wrote_is_not_overwritten(server: Server, target: Target) -> None:
    server.put("bucket", "run/a", b"theirs")
    for size in (10, 3 * PART):
        with pytest.raises(ChangedError):
            target.write(size)
    target.uploads.sweep(())
    assert server.objects("bucket") == {"run/a": b"theirs"}


def test_where_nothing_can_be_deleted_no_parts_are_left(server: Server, target: Target) -> None:
    server.grant("bucket", {"storage.objects.create", "storage.objects.get"})
    with pytest.raises(RefusedError):
        target.write(8 * PART)  # it is there, but its parts cannot be deleted
    server.remove("bucket", "run/a")
    target.folder.known.clear()
    parts = len(server.objects("bucket"))
    target.write(9 * PART)
    assert server.objects("bucket")["run/a"] == CONTENT[: 9 * PART]
    assert len(server.objects("bucket")) == parts + 1
