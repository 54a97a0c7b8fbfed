from pathlib import Path
from typing import Any

import pytest

from tests.data.making import encoded, noise
from tests.data.records import example, write
from trainer.data.lists import tfrecord
from trainer.errors import UsageError

IMAGE = encoded(noise())


def test_finds_images_in_shards(tmp_path: Path) -> None:
    images = [encoded(noise(seed)) for seed in range(5)]
    full = [
        example(image__encoded=image, image__class__label=index, image__class__text=f"kind {index}", image__height=12)
        for index, image in enumerate(images[:3])
    ]
    write(tmp_path / "train-00000-of-00001.tfrecord", full)
    write(tmp_path / "test" / "a.tfrecords", [example(image=images[3], label=1, weight=0.5)])
    write(tmp_path / "any-00000-of-00001", [example(label="fox", image_raw=images[4])])
    write(tmp_path / "empty.tfrecord", [])
    entries = tfrecord.read(tmp_path)
    found = []
    for entry in entries:
        with Path(entry.file).open("rb") as file:
            file.seek(entry.offset)
            found.append((entry.label, entry.part, images.index(file.read(entry.length))))
    assert sorted(found) == [
        ("1", "test", 3),
        ("fox", "", 4),
        ("kind 0", "train", 0),
        ("kind 1", "train", 1),
        ("kind 2", "train", 2),
    ]
    assert len({entry.name for entry in entries}) == 5


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"image": IMAGE}, "must have image/encoded and image/class/label. Received: image"),
        ({"label": 1, "height": 3}, "must have image/encoded and image/class/label. Received: height, label"),
        ({"image": 7, "label": 1}, "`image/encoded` must hold bytes. Received: another kind of value"),
        ({"image": IMAGE, "label": 1.5}, "`image/class/label` must be a whole number. Received: another kind of value"),
        ({"image": IMAGE, "label": -1}, "`image/class/label` must be a whole number. Received: another kind of value"),
    ],
)
def test_rejects_examples_without_their_fields(tmp_path: Path, fields: dict[str, Any], message: str) -> None:
    write(tmp_path / "a.tfrecord", [example(image=IMAGE, label=1), example(**fields)])
    with pytest.raises(UsageError) as error:
        tfrecord.read(tmp_path)
    assert str(error.value) == f"{tmp_path}/a.tfrecord, example 1: {message}"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not a record at all", "must be a TFRecord file. Received: a record of "),
        (b"short", "must end with a whole record. Received: one that is cut off at byte 0"),
        (b"\1\0\0\0\0\0\0\0cccc\xffdddd", "example 0: must be a tf.train.Example. Received: something else"),
        (b"\1\0\0\0\0\0\0\0cccc\x0fdddd", "example 0: must be a tf.train.Example. Received: something else"),
    ],
)
def test_rejects_what_is_no_shard(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.tfrecord").write_bytes(content)
    with pytest.raises(UsageError) as error:
        tfrecord.read(tmp_path)
    assert str(error.value).startswith(f"{tmp_path}/a.tfrecord")
    assert message in str(error.value)


def test_rejects_compressed_shards(tmp_path: Path) -> None:
    write(tmp_path / "a.tfrecord", [example(image=IMAGE, label=1)], "GZIP")
    with pytest.raises(UsageError, match="must be a TFRecord file that is not compressed. Received: gzip"):
        tfrecord.read(tmp_path)
