import json
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.data.making import encoded, noise
from tests.data.records import example, write
from trainer.data.lists import tfrecord
from trainer.errors import UsageError

IMAGE = encoded(noise())


def _rejects(folder: Path) -> str:
    with pytest.raises(UsageError) as error:
        tfrecord.read(folder)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("forms", "labels"),
    [
        (
            ({"image__encoded": IMAGE, "image__class__text": "fox", "image__class__label": 3, "image__height": 12},),
            "fox",
        ),
        (({"image": IMAGE, "label": 1, "weight": 0.5},), "1"),
        (({"image_raw": IMAGE, "label": "fox"}, {"encoded": IMAGE, "class_name": b"fo\xcc\x88x "}), "fox föx"),
        (({"image": IMAGE, "label": 2, "image__class__text": ""},), "2"),  # names that nobody has filled in
        (({"image": IMAGE, "label": [], "class": 0},), "0"),
        (({"image": IMAGE, "label": 1 << 40, "filename": b"caf\xe9.png"},), str(1 << 40)),
    ],
)
def test_finds_images_in_examples(tmp_path: Path, forms: Sequence[dict[str, Any]], labels: str) -> None:
    write(tmp_path / "a.tfrecord", [example(**fields) for fields in forms])
    entries = tfrecord.read(tmp_path)
    assert [entry.label for entry in entries] == labels.split()
    assert [entry.read() for entry in entries] == [IMAGE for _ in entries]
    assert [entry.listed for entry in entries] == [f"{tmp_path}/a.tfrecord, example {n}" for n in range(len(entries))]


def _parts(folder: Path, names: Sequence[str]) -> dict[str, str]:
    for index, name in enumerate(names):
        write(folder / name, [example(image=encoded(noise(index)), label=index)] if "empty" not in name else [])
    return {Path(entry.file).name: entry.part for entry in tfrecord.read(folder)}


@pytest.mark.parametrize(
    "names",
    [
        ("x-train.tfrecord-00000-of-00001", "x-validation.tfrecord-00000-of-00001", "x-test.tfrecord-00000-of-00001"),
        ("train-00000-of-00001", "val-00000-of-00001", "test-00000-of-00001"),
        ("photos_train.tfrecord", "photos_val.tfrecord", "photos_test.tfrecord"),
        ("train_0.tfrecord", "dev_0.tfrecord", "test_0.tfrecord"),
        ("data.train.tfrecords", "data.valid.tfrecords", "data.test.tfrecords"),
        ("data.tfrecord.train", "data.tfrecord.val", "data.tfrecord.test"),
        ("trainset.tfrec", "valset.tfrec", "testset.tfrec"),
        ("train/a-1-of-1.tfrecord", "validation/b-1-of-1.tfrecord", "test/c-1-of-1.tfrecord"),
    ],
)
def test_names_say_parts(tmp_path: Path, names: Sequence[str]) -> None:
    (tmp_path / "._train.tfrecord").write_bytes(b"left by a file manager")
    expected = ("train", "validation", "test")
    assert _parts(tmp_path, names) == {Path(name).name: part for name, part in zip(names, expected, strict=True)}


def test_says_which_names_name_no_part(tmp_path: Path) -> None:
    lines: list[str] = []
    assert set(_parts(tmp_path, ["cats.tfrecord", "dogs.tfrecord", "empty.tfrecord"]).values()) == {""}
    tfrecord.read(tmp_path, lines.append)
    assert lines == [
        f"{tmp_path}: no part in the names cats.tfrecord, dogs.tfrecord, empty.tfrecord: "
        "the hash of each sample's name decides its part"
    ]
    _parts(tmp_path / "one", ["photos-00000-of-00002", "photos-00001-of-00002"])
    tfrecord.read(tmp_path / "one", pytest.fail)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ("train.tfrecord", "extra.tfrecord"),
            "/extra.tfrecord: its name must contain train, validation or test, as train.",
        ),
        (
            ("train_val.tfrecord",),
            "/train_val.tfrecord: a name must contain one of train, validation, test. Received",
        ),
        (
            ("train-00000-of-00003", "train-00002-of-00003"),
            ": must contain train-00001-of-00003, for each of 3 shards. Received: 2 of them",
        ),
        (
            ("x.tfrecord-00001-of-00003", "x.tfrecord-00003-of-00003"),
            ": must contain x.tfrecord-00002-of-00003, for each of",
        ),
        (
            ("train-00000-of-00001.tfrecord", "train-00000-of-00002.tfrecord", "train-00001-of-00002.tfrecord"),
            ": shards of one name must be of one set. Received: train-…-of-00001.tfrecord and …-of-00002.tfrecord",
        ),
        (("empty.tfrecord",), ": must have an example in a shard. Received: none"),
    ],
)
def test_rejects_sets_that_are_not_clear_or_not_whole(tmp_path: Path, names: Sequence[str], message: str) -> None:
    with pytest.raises(UsageError) as error:
        _parts(tmp_path, names)
    assert str(error.value).startswith(f"{tmp_path}{message}")


CONTROL = "a control character; the name of a class must be printable"
MISSING = "a missing value; only class folders can have this name"
ZEROS = r"\x00" * 3
LABELS = "; `--target=labels` trains on several labels a sample"
RULE = "must be one whole number from 0, or one name. Received: "


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"image": IMAGE}, "must have image/encoded and image/class/label. Received: image"),
        ({"label": 1, "height": 3}, "must have image/encoded and image/class/label. Received: height, label"),
        ({"image": IMAGE, "label": []}, "must have image/encoded and image/class/label. Received: image, label"),
        ({"image": 7, "label": 1}, "`image` must contain one sample as bytes. Received: another kind of value"),
        ({"image": [IMAGE, IMAGE], "label": 1}, "`image` must contain one sample as bytes. Received: 2 values"),
        (
            {"image": IMAGE, "image_raw": IMAGE, "label": 1},
            "must have one field for the image. Received: image, image_raw",
        ),
        ({"image": IMAGE, "label": 1, "class": 2}, "must have one field for the class. Received: label, class"),
        ({"image": IMAGE, "label": 1.0}, f"`label` {RULE}the fraction 1; `--target=numbers` trains on real numbers"),
        ({"image": IMAGE, "label": -1}, f"`label` {RULE}-1"),
        ({"image": IMAGE, "label": [0, 1, 0]}, f"`label` {RULE}3 values: 0, 1, 0{LABELS}"),
        ({"image": IMAGE, "label": [0.0, 1.0]}, f"`label` {RULE}2 values: 0.0, 1.0{LABELS}"),
        ({"image": IMAGE, "label": ["cat", "dog"]}, f"`label` {RULE}2 values: b'cat', b'dog'{LABELS}"),
        ({"image": IMAGE, "class_name": "cat", "label": [0, 1]}, f"`label` {RULE}2 values: 0, 1{LABELS}"),
        ({"image": IMAGE, "label": "[0, 1]"}, "`label` must be one class. Received: [0, 1], several values"),
        ({"image": IMAGE, "label": "0.5"}, "`label` must be one class. Received: 0.5, a fraction"),
        ({"image": IMAGE, "label": "-1"}, "`label` must be one class. Received: -1, a number with a sign"),
        ({"image": IMAGE, "label": "nan"}, f"`label` must be one class. Received: nan, {MISSING}"),
        ({"image": IMAGE, "label": b"\0\1"}, f"`label` must be one class. Received: \\x00\\x01, {CONTROL}"),
        ({"image": IMAGE, "label": b"\5" + bytes(3)}, f"`label` must be one class. Received: \\x05{ZEROS}, {CONTROL}"),
        ({"image": IMAGE, "label": " "}, "`label` must name a class. Received: nothing"),
        ({"image": IMAGE, "label": b"caf\xe9"}, "`label` must be UTF-8. Received: b'caf\\xe9'"),
    ],
)
def test_rejects_examples_that_are_not_of_one_class(tmp_path: Path, fields: dict[str, Any], message: str) -> None:
    write(tmp_path / "a.tfrecord", [example(image=IMAGE, label=1), example(**fields)])
    assert _rejects(tmp_path) == f"{tmp_path}/a.tfrecord, example 1: {message}"


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (
            {"label": "fox"},
            {"label": "fox|dog"},
            "`label` must be one class. Received: fox|dog; fox is a class too, in {one}",
        ),
        ({"label": 1}, {"label": "fox"}, "must have its class as a number, as {one} has. Received: only a name"),
        ({"label": 1, "class_name": "fox"}, {"label": 1}, "as a name, as {one} has. Received: only a number"),
        (
            {"label": 1, "class_name": "crane"},
            {"label": 2, "class_name": "crane"},
            "a class must have one number. Received: crane with 2, and with 1 in {one}",
        ),
        (
            {"label": "cat", "class_name": "fox"},
            {"label": "dog", "class_name": "fox"},
            "a class must have one number. Received: fox with dog, and with cat in {one}",
        ),
        (
            {"label": 1, "class_name": "fox"},
            {"label": 1, "class_name": "dog"},
            "a class's number must have one name. Received: 1 with dog, and with fox in {one}",
        ),
    ],
)
def test_rejects_examples_that_contradict_each_other(
    tmp_path: Path, first: dict[str, Any], second: dict[str, Any], message: str
) -> None:
    write(tmp_path / "a.tfrecord", [example(image=IMAGE, **fields) for fields in (first, second)])
    one, two = (f"{tmp_path}/a.tfrecord, example {number}" for number in range(2))
    assert _rejects(tmp_path).startswith(f"{two}: ")
    assert _rejects(tmp_path).endswith(message.format(one=one))


@pytest.mark.parametrize("feature", ["split", "part", "set", "subset", "ml_use", "Usage", "phase"])
def test_a_feature_says_parts(tmp_path: Path, feature: str) -> None:
    said = ("train", "TRAINING", "val", "test")
    examples = [example(image=IMAGE, label=index, **{feature: part}) for index, part in enumerate(said)]
    write(tmp_path / "a.tfrecord", examples)
    assert [entry.part for entry in tfrecord.read(tmp_path, pytest.fail)] == ["train", "train", "validation", "test"]
    for value, received in (("holdout", "holdout"), (b"", "nothing")):
        write(tmp_path / "a.tfrecord", [*examples, example(image=IMAGE, label=1, **{feature: value})])
        assert _rejects(tmp_path) == (
            f"{tmp_path}/a.tfrecord, example 4: `{feature}` must be one of train, validation, test, as in the others. "
            f"Received: {received}"
        )
    (tmp_path / "a.tfrecord").rename(tmp_path / "train.tfrecord")
    assert f"example 2: `{feature}` must be train, as the name of its file says. Received: val" in _rejects(tmp_path)


@pytest.mark.parametrize(
    ("feature", "values", "message"),
    [
        ("target", (0, 0), "must have one feature `label`. Received: also target, which does not rename each class: "),
        (
            "image__class__id",
            ("x", "x"),
            "must have one feature `label`. Received: also image/class/id, which does not",
        ),
        ("label2", ([0, 1], [0, 1]), "must have one feature `label`. Received: also label2, which does not rename"),
        ("is_test", (0, 1), "the feature of the parts must be named `split`. Received: is_test"),
    ],
)
def test_rejects_features_that_may_not_be_passed_over(
    tmp_path: Path, feature: str, values: tuple[Any, Any], message: str
) -> None:
    write(
        tmp_path / "a.tfrecord",
        [example(image=IMAGE, label=label, **{feature: value}) for label, value in zip((3, 4), values, strict=True)],
    )
    assert _rejects(tmp_path).startswith(f"{tmp_path}: {message}")


def test_a_feature_that_repeats_the_class_is_said_once(tmp_path: Path) -> None:
    lines: list[str] = []
    fields: list[dict[str, Any]] = [{"label": 1, "target": "fox"}, {"label": 2, "target": "dog"}]
    write(tmp_path / "a.tfrecord", [example(image=IMAGE, set="camera 1", **one) for one in fields])
    assert [entry.label for entry in tfrecord.read(tmp_path, lines.append)] == ["1", "2"]
    assert lines == [f"{tmp_path}: target is another name of `label` and is ignored"]


def _record(content: bytes) -> bytes:
    def checked(part: bytes) -> bytes:
        return part + struct.pack("<I", tfrecord._masked(part))

    return checked(struct.pack("<Q", len(content))) + checked(content)


WHOLE = _record(example(image=IMAGE, label=1))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not a record at all", ": must be a TFRecord file. Received: a wrong checksum of the length at byte 0"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
            ": must be a TFRecord file. Received: a Git LFS pointer; `git lfs pull` fetches the file",
        ),
        (b"short", ": must end with a complete record. Received: one truncated at byte 0"),
        (_record(b"\xff"), ", example 0: must be a tf.train.Example. Received: something else"),
        (_record(b"\x0f"), ", example 0: must be a tf.train.Example. Received: something else"),
        (
            WHOLE[:100] + b"x" + WHOLE[101:],
            ": must contain intact records. Received: a wrong checksum at byte 0",
        ),
        (WHOLE[:-1] + b"x", ": must contain intact records. Received: a wrong checksum at byte 0"),
        (WHOLE[:-1], ": must end with a complete record. Received: one of "),
        (
            WHOLE + WHOLE[:8],
            f": must end with a complete record. Received: one truncated at byte {len(WHOLE):,}",
        ),
        (WHOLE + b"x", f": must end with a complete record. Received: one truncated at byte {len(WHOLE):,}"),
        (WHOLE + bytes(16), ": must contain intact records. Received: a wrong checksum of the length at byte "),
    ],
)
def test_rejects_what_is_not_whole(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.tfrecord").write_bytes(content)
    assert _rejects(tmp_path).startswith(f"{tmp_path}/a.tfrecord{message}")


@pytest.mark.parametrize("name", ["a b.tfrecord", "a.tfrecord.gz", "a.tfrecord-00000-of-00001.gz"])
@pytest.mark.parametrize("compression", ["GZIP", "ZLIB"])
def test_rejects_compressed_shards_with_what_unpacks_them(tmp_path: Path, name: str, compression: str) -> None:
    write(tmp_path / name, [example(image=IMAGE, label=1)], compression)
    message = _rejects(tmp_path)
    assert (
        f"{name}: must be a TFRecord file that is not compressed. Received: {compression.lower()}; `python -c"
        in message
    )
    command = message.split("; `", 1)[1].removesuffix("` unpacks it")
    subprocess.run(command.replace("python", sys.executable, 1), shell=True, check=True, cwd=tmp_path)
    (entry,) = tfrecord.read(tmp_path)
    assert entry.read() == IMAGE


def test_a_record_whose_length_looks_like_a_compressed_files_start_is_read(tmp_path: Path) -> None:
    length = int.from_bytes(b"\x1f\x8b", "little")
    content = next(
        one for more in range(length) if len(one := example(image=bytes(length - 100 + more), label=1)) == length
    )
    (tmp_path / "a.tfrecord").write_bytes(_record(content))
    assert len(tfrecord.read(tmp_path)) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda shard: shard.write_bytes(WHOLE),
            "train.tfrecord and what belongs to it must contain 2 samples, as dataset.json",
        ),
        (lambda shard: shard.unlink(), "must contain train.tfrecord, as dataset.json says. Received: none"),
    ],
)
def test_rejects_less_than_was_written(tmp_path: Path, change: Callable[[Path], object], message: str) -> None:
    (tmp_path / "train.tfrecord").write_bytes(WHOLE + WHOLE)
    (tmp_path / "test.tfrecord").write_bytes(WHOLE)
    parts = {part: {"shards": [f"{part}.tfrecord"], "images": count} for part, count in (("train", 2), ("test", 1))}
    (tmp_path / "dataset.json").write_text(json.dumps({"parts": parts}))
    assert len(tfrecord.read(tmp_path)) == 3
    change(tmp_path / "train.tfrecord")
    assert message in _rejects(tmp_path)
