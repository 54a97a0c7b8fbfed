from pathlib import Path

import pytest

from tests.buckets.scripted import HASTY, framed, unframed
from tests.gcs.server import serve
from trainer.buckets.events import segments
from trainer.buckets.events.segments import Segment
from trainer.buckets.objects.bucket import Bucket
from trainer.buckets.objects.failure import ChangedError
from trainer.buckets.objects.folder import Folder
from trainer.buckets.objects.object import Object

NAME = "logs/events.out.tfevents.1.host"
HEAD = framed(b"version")


def _one(name: str, size: int, generation: int = 1, **metadata: str) -> Object:
    return Object(name, size, 0, generation, metadata)


def test_names() -> None:
    assert segments.base_of(f"{NAME}.000012") == NAME
    assert segments.base_of(NAME) == NAME
    assert segments.base_of("logs/sprite.000001") == "logs/sprite.000001"


def test_pieces_come_in_order_and_only_those_that_belong_together() -> None:
    whole = _one(NAME, 100, generation=7)
    pieces = [
        _one(f"{NAME}.000002", 60, start="140", head="10", beside="7"),
        _one(f"{NAME}.000001", 50, start="100", head="10", beside="7"),
        _one(f"{NAME}.000003", 50, start="100", head="10", beside="6"),  # the file has been written since
        _one(f"{NAME}.000004", 50),
        _one(f"{NAME}0.000001", 50, start="0", head="0", beside="0"),
    ]
    known = {one.name: one for one in (whole, *pieces)}
    assert segments.of(known, NAME) == [
        Segment(0, 0, 0, whole),
        Segment(1, 100, 10, pieces[1]),
        Segment(2, 140, 10, pieces[0]),
    ]
    assert segments.of(known, NAME)[-1].stop == 190
    assert segments.of({}, NAME) == []


def test_a_later_piece_replaces_what_it_begins_before() -> None:
    content = segments.joined(
        [
            (Segment(1, 0, 0, _one("1", 8)), b"01234567"),
            (Segment(2, 8, 2, _one("2", 4)), b"HH89"),
            (Segment(3, 5, 2, _one("3", 4)), b"HHab"),
        ]
    )
    assert content == b"01234ab"


def test_each_piece_is_an_event_file(tmp_path: Path) -> None:
    log = HEAD + b"".join(framed(bytes([number]) * (3 << 20)) for number in range(4)) + framed(b"=" * (9 << 20))
    path = tmp_path / "logs" / "events.out.tfevents.1.host"
    path.parent.mkdir()
    path.write_bytes(log)
    with serve() as server:
        folder = Folder(tmp_path, Bucket(server.client(), "bucket", HASTY), "")
        with path.open("rb") as file:
            segments.add(folder, NAME, file, 0, len(log))
            found = server.objects("bucket")
            assert [*found] == [f"{NAME}.{number:06d}" for number in range(1, 4)]
            assert [len(unframed(content)) for content in found.values()] == [3, 3, 2]
            assert all(content.startswith(HEAD) for content in found.values())
            pieces = segments.of(folder.known, NAME)
            assert segments.joined([(piece, found[piece.one.name]) for piece in pieces]) == log
            server.put("bucket", f"{NAME}.000004", b"theirs")
            with pytest.raises(ChangedError):
                segments.add(folder, NAME, file, 0, len(HEAD))
            segments.add(folder, NAME, file, 0, len(HEAD))  # next to what does not belong to it
            assert server.objects("bucket")[f"{NAME}.000005"] == HEAD
