import io
import tarfile
from typing import Any

import pytest
import tensorflow as tf

from trainer.data.kinds import archive

FILES = [("1.png", b""), ("10.png", b"a" * 512), ("ü 2.png", bytes(range(256)) * 5), ("x" * 120 + ".png", b"\0")]


def _contents(content: bytes) -> Any:
    return next(iter(tf.data.Dataset.from_tensors(content).map(archive.contents))).numpy()


def _of_python(kind: bytes = tarfile.REGTYPE, format: int = tarfile.USTAR_FORMAT) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=format) as opened:
        member = tarfile.TarInfo("1.png")
        member.size, member.type = 3, kind
        opened.addfile(member, io.BytesIO(b"abc"))
    return stream.getvalue()


def test_a_graph_reads_what_python_joined() -> None:
    content = archive.joined(FILES)
    assert archive.is_one(content)
    assert archive.split(content) == [*FILES[:3], ("x" * 96 + ".png", b"\0")]
    assert list(_contents(content)) == [one for _, one in FILES]
    assert len(content) == archive.length(len(one) for _, one in FILES)
    with tarfile.open(fileobj=io.BytesIO(content)) as opened:
        assert opened.getnames()[:2] == ["1.png", "10.png"]


def test_reads_archives_of_other_programs() -> None:
    for format in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT):
        content = _of_python(format=format)
        assert archive.split(content) == [("1.png", b"abc")]
        assert list(_contents(content)) == [b"abc"]


def test_starts_are_those_of_each_file() -> None:
    content = archive.joined(FILES)
    assert archive.split(archive.starts(content, 4)) == [(name, one[:4]) for name, one in archive.split(content)]
    assert archive.starts(content, 5000) is content


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"GIF89a", b"x" * 300, archive.joined(FILES)])
def test_python_and_a_graph_agree_on_what_is_one(content: bytes) -> None:
    assert bool(archive.holds(tf.constant(content))) == archive.is_one(content)


@pytest.mark.parametrize(
    ("content", "said", "rule"),
    [
        (_of_python(tarfile.DIRTYPE), "Received: 1.png of type 5", archive.RULE),
        (_of_python(tarfile.SYMTYPE), "Received: 1.png of type 2", archive.RULE),
        (archive.joined(FILES)[:2600], "truncated in ü 2.png", archive.CUT_RULE),
        (archive.joined(FILES)[:600], "truncated header", archive.RULE),
        (b"1" + archive.joined(FILES)[1:124] + b"x" * 11 + archive.joined(FILES)[135:], "bad checksum", archive.RULE),
    ],
)
def test_rejects_what_is_no_whole_archive_of_files(content: bytes, said: str, rule: str) -> None:
    with pytest.raises(ValueError, match=said):
        archive.split(content)
    with pytest.raises(tf.errors.InvalidArgumentError, match=rule):
        _contents(content)


def test_rejects_an_archive_of_nothing() -> None:
    with pytest.raises(ValueError, match="Received: none"):
        archive.split(bytes(1024))
