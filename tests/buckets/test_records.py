from pathlib import Path

from tests.buckets.scripted import framed
from trainer.buckets.events import records

RECORDS = [framed(b"version"), framed(b""), framed(b"=" * 300)]
ENDS = [0, 23, 39, 355]


def test_only_whole_records_count(tmp_path: Path) -> None:
    for size in range(ENDS[-1] + 1):
        (tmp_path / "events").write_bytes(b"".join(RECORDS)[:size])
        expected = max(end for end in ENDS if end <= size)
        with (tmp_path / "events").open("rb") as file:
            assert records.complete(file, 0, size) == expected
            assert records.complete(file, expected, size) == expected
            assert records.complete(file, 0, size, most=1) == min(expected, ENDS[1])


def test_damage_ends_the_file(tmp_path: Path) -> None:
    content = bytearray(b"".join(RECORDS))
    content[24] ^= 1
    (tmp_path / "events").write_bytes(content)
    with (tmp_path / "events").open("rb") as file:
        assert records.complete(file, 0, len(content)) == 23


def test_frames_as_tensorflow_does() -> None:
    # What TensorFlow 2.21 wrote: tf.io.TFRecordWriter(path).write(b"abc")
    assert framed(b"abc").hex() == "0300000000000000b099490e6162636e57f121"
