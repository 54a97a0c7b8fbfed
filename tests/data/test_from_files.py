"""Data sets of files, from `load` to their splits."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data.images import BROKEN, READABLE
from tests.data.making import encoded, noise, write_classes
from tests.data.records import example, write
from trainer import data
from trainer.data import PARTS, Files, SampleOptions
from trainer.data.kinds.image.decode import decode
from trainer.errors import UsageError


def _load(folder: Path | str, options: SampleOptions | None = None) -> tuple[data.Dataset, list[str]]:
    lines: list[str] = []
    return data.load(str(folder), 0.2, seed=0, options=options, log=lines.append), lines


def _pixels(dataset: data.Dataset) -> dict[bytes, tuple[str, int]]:
    """Returns by each image's pixels its part and its label."""
    found = {}
    for part in PARTS:
        images, labels = getattr(dataset, part).preview()
        found |= {image.tobytes(): (part, int(label)) for image, label in zip(images, labels, strict=True)}
    return found


def test_class_folders_become_parts_and_names(tmp_path: Path) -> None:
    written = write_classes(tmp_path, {"sea lion": 60, "猫": 60, "10": 20, "9": 20})
    dataset, _ = _load(tmp_path)
    assert dataset.class_names == ("9", "10", "sea lion", "猫")
    assert dataset.classes == 4
    assert dataset.form.shape == (12, 16, 3)
    found = _pixels(dataset)
    assert len(found) == len(written)
    for path, pixels in written.items():
        assert dataset.class_names[found[pixels.tobytes()][1]] == path.parent.name
    counts = [len(getattr(dataset, part)) for part in PARTS]
    assert counts[0] > counts[1] > 10
    assert counts[2] > 8


def test_a_manifest_and_shards_of_the_same_images_are_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    counts = {
        f"{part}/{label}": count for more, part in enumerate(PARTS) for label, count in (("a", 3 + more), ("b", 4))
    }
    written = write_classes(folder, counts)
    rows = [f"{path.relative_to(tmp_path)},{path.parts[-2]},{path.parts[-3]}" for path in written]
    (tmp_path / "manifest.csv").write_text("\n".join(["image,label,split", *rows]))
    for part in PARTS:
        examples = [
            example(image__encoded=path.read_bytes(), image__class__text=path.parts[-2])
            for path in written
            if path.parts[-3] == part
        ]
        write(tmp_path / "shards" / f"{part}.tfrecord", examples)
    expected = _pixels(_load(folder)[0])
    assert expected == _pixels(_load(tmp_path / "manifest.csv")[0])
    assert expected == _pixels(_load(tmp_path)[0])  # a folder that holds one manifest
    assert expected == _pixels(_load(tmp_path / "shards")[0])


def test_a_remote_manifest_is_fetched_with_its_images(tmp_path: Path) -> None:
    write_classes(tmp_path / "data", {"a": 40, "b": 40})
    rows = [f"{path.relative_to(tmp_path / 'data')},{path.parent.name}" for path in (tmp_path / "data").rglob("*.png")]
    (tmp_path / "data" / "m.csv").write_text("\n".join(["image,label", *rows]))
    fetched = []

    def fetch(location: str) -> Path:
        fetched.append(location)
        return tmp_path / location.removeprefix("gs://bucket/")

    dataset = data.load("gs://bucket/data/m.csv", 0.2, 0, fetch=fetch)
    assert sum(len(getattr(dataset, part)) for part in PARTS) == 80
    assert fetched == ["gs://bucket/data/m.csv", "gs://bucket/data/a", "gs://bucket/data/b"]


@pytest.mark.parametrize(
    ("sizes", "mode", "options", "shape"),
    [
        ([(12, 16)], "RGB", SampleOptions(), (12, 16, 3)),
        ([(12, 16), (16, 12)], "RGB", SampleOptions(), (96, 96, 3)),
        ([(300, 300)], "RGB", SampleOptions(), (96, 96, 3)),
        ([(12, 16)], "RGB", SampleOptions(size=20), (20, 20, 3)),
        ([(12, 16)], "L", SampleOptions(), (12, 16, 1)),
        ([(12, 16)], "L", SampleOptions(color="rgb"), (12, 16, 3)),
        ([(12, 16)], "RGB", SampleOptions(color="grey"), (12, 16, 1)),
    ],
)
def test_size_and_colour_are_the_images_own_or_asked_for(
    tmp_path: Path, sizes: list[tuple[int, int]], mode: str, options: SampleOptions, shape: tuple[int, int, int]
) -> None:
    for part in PARTS:
        for label in ("a", "b"):
            (tmp_path / part / label).mkdir(parents=True)
            for index, size in enumerate(sizes):
                pixels = noise(2 * index + (label == "b"), *(side // 4 * 4 for side in size))
                content = encoded(Image.fromarray(pixels), "PNG", mode)
                (tmp_path / part / label / f"{index}.png").write_bytes(content)
    dataset, _ = _load(tmp_path, options)
    assert dataset.form.shape == shape
    images, _ = dataset.test.preview()
    assert images.shape[1:] == shape


def test_every_kind_of_image_whatever_it_is_called(tmp_path: Path) -> None:
    for part in PARTS:
        for label in ("a", "b"):
            (tmp_path / part / label).mkdir(parents=True)
            for index, content in enumerate(READABLE.values()):
                other = encoded(noise(100 + index, 48, 64))  # an image is of one class
                path = tmp_path / part / label / f"Bild {index} – 図.jpg"
                path.write_bytes(content if label == "a" else other)
    dataset, _ = _load(tmp_path)
    images, _ = dataset.train.preview()
    assert images.shape == (2 * len(READABLE), 48, 64, 3)
    assert images.std(axis=(1, 2, 3)).min() > 20


@pytest.fixture
def broken(tmp_path: Path) -> tuple[Path, set[str]]:
    """A folder of two classes, each of whose images in BROKEN is of one of the three parts."""
    paths = set()
    write_classes(tmp_path, {f"{part}/{label}": 8 for part in PARTS for label in "ab"})
    for index, (content, _) in enumerate(BROKEN.values()):
        path = tmp_path / PARTS[index % 3] / "a" / f"broken {index}.png"
        path.write_bytes(content)
        paths.add(str(path))
    return tmp_path, paths


def test_skips_broken_images_and_says_which(broken: tuple[Path, set[str]]) -> None:
    folder, paths = broken
    dataset, logged = _load(folder, SampleOptions(size=8, skip_broken=True))
    assert [len(getattr(dataset, part)) for part in PARTS] == [16, 16, 16]
    *lines, last = logged
    assert {line.removeprefix("skipped: ").split(".png: ")[0] + ".png" for line in lines} == paths
    assert all(line.split(".png: ")[1] for line in lines)
    assert last == f"{len(paths)} of {48 + len(paths)} images are broken and skipped"
    for part in PARTS:
        for images, _ in data.evaluation_batches(getattr(dataset, part)):
            assert np.isfinite(images).all()


def test_rejects_an_image_whose_header_is_broken(broken: tuple[Path, set[str]]) -> None:
    folder, paths = broken
    with pytest.raises(UsageError) as error:
        _load(folder)
    path, rest = str(error.value).split(".png: ", 1)
    assert f"{path}.png" in paths
    assert rest.startswith("must be a JPEG, PNG, GIF, BMP or WebP image that can be read. Received: ")
    assert rest.endswith(" more); `--skip_broken=yes` skips such images")


@pytest.mark.parametrize("content", [None, b"no image"])
def test_a_broken_image_of_a_list_is_named_with_its_line(tmp_path: Path, content: bytes | None) -> None:
    _as_csv(tmp_path, [(encoded(noise(index)), "ab"[index % 2], PARTS[index // 8]) for index in range(24)])
    path = tmp_path / "i" / "005.png"
    path.unlink()
    if content:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=f"^{tmp_path}/m.csv, line 7: {path}: must be a JPEG, .* can be read. Rec"):
        _load(tmp_path / "m.csv")
    _, logged = _load(tmp_path / "m.csv", SampleOptions(skip_broken=True))
    assert logged[0].startswith(f"skipped: {tmp_path}/m.csv, line 7: {path}: ")


def test_an_image_that_breaks_in_training_is_named(tmp_path: Path) -> None:
    write_classes(tmp_path, {f"{part}/{label}": 8 for part in PARTS for label in "ab"})
    path = tmp_path / "train" / "a" / "half of it.png"
    path.write_bytes(encoded(noise())[:-40])
    dataset, _ = _load(tmp_path)
    with pytest.raises(UsageError) as error, data.named_breaks(dataset):
        for _ in data.training_batches(dataset.train, 17, 0, augment=False, steps=range(1)):
            pass
    assert str(error.value).startswith(
        f"{path}: must be a JPEG, PNG, GIF, BMP or WebP image that can be read. Received: I"
    )
    assert str(error.value).endswith("; `--skip_broken=yes` skips such images")


def test_an_image_that_is_gone_is_named(tmp_path: Path) -> None:
    written = write_classes(tmp_path, {f"{part}/{label}": 2 for part in PARTS for label in "ab"})
    dataset, _ = _load(tmp_path)
    path = next(iter(written))
    path.unlink()
    with pytest.raises(UsageError, match=f"^{path}: must be .* Received: No such file"), data.named_breaks(dataset):
        for _ in data.evaluation_batches(dataset.train):
            pass


def test_another_error_stays_what_it_is(idx_folder: Path) -> None:
    with pytest.raises(ZeroDivisionError), data.named_breaks(data.load(str(idx_folder), 0.2, 0)):
        raise ZeroDivisionError


def _as_folder(folder: Path, rows: list[tuple[bytes, str, str]]) -> None:
    for index, (content, label, part) in enumerate(rows):
        path = folder / part / label / f"{index:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _as_csv(folder: Path, rows: list[tuple[bytes, str, str]]) -> None:
    _as_files(folder, rows)
    lines = [f"i/{index:03}.png,{label},{part}" for index, (_, label, part) in enumerate(rows)]
    (folder / "m.csv").write_text("\n".join(["image,label,split", *lines]))


def _as_json_lines(folder: Path, rows: list[tuple[bytes, str, str]]) -> None:
    _as_files(folder, rows)
    fields = [{"image": f"i/{index:03}.png", "label": row[1], "split": row[2]} for index, row in enumerate(rows)]
    (folder / "m.jsonl").write_text("\n".join(map(json.dumps, fields)))


def _as_shards(folder: Path, rows: list[tuple[bytes, str, str]]) -> None:
    for part in PARTS:
        some = [(content, label) for content, label, one in rows if one == part]
        write(folder / f"{part}.tfrecord", [example(image=content, label=label) for content, label in some])


def _as_files(folder: Path, rows: list[tuple[bytes, str, str]]) -> None:
    (folder / "i").mkdir()
    for index, (content, *_) in enumerate(rows):
        (folder / "i" / f"{index:03}.png").write_bytes(content)


@pytest.mark.parametrize(
    ("write_list", "one", "other"),
    [
        (_as_folder, "train/b/012.png", "test/a/004.png"),
        (_as_csv, "m.csv, line 14: {}/i/012.png", "m.csv, line 6: {}/i/004.png"),
        (_as_json_lines, "m.jsonl, line 13: {}/i/012.png", "m.jsonl, line 5: {}/i/004.png"),
        (_as_shards, "train.tfrecord, example 4", "test.tfrecord, example 0"),
    ],
)
@pytest.mark.parametrize("size", [(12, 16), (300, 400)])  # less than what is read of each, and more
def test_an_image_is_of_one_class_in_every_list(
    tmp_path: Path, write_list: Callable[..., None], one: str, other: str, size: tuple[int, int]
) -> None:
    def picture(seed: int) -> bytes:  # without compression, so that large ones are long
        return encoded(noise(seed, *size), compress_level=0)

    rows = [(picture(index), "ab"[index % 2], part) for part in PARTS for index in (0, 1, 2, 3)]
    rows = [(picture(index), *row[1:]) for index, row in enumerate(rows)]
    rows = [rows[index] for index in (0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7)]
    rows.append((rows[4][0], "b", "train"))
    rows.append((rows[0][0], "a", "train"))  # a copy of its own class and part stays
    write_list(tmp_path, rows)
    one, other = (f"{tmp_path}/{place.format(tmp_path)}" for place in (one, other))
    wrong = f"of class b; the same content as {other}, of class a"
    with pytest.raises(UsageError) as error:
        _load(tmp_path)
    assert str(error.value) == (
        f"{one}: an image must be of one class. Received: one {wrong}; `--skip_broken=yes` skips such images"
    )
    dataset, lines = _load(tmp_path, SampleOptions(skip_broken=True))
    assert lines == [f"skipped: {one}: {wrong}", "1 of 14 images are broken and skipped"]
    assert [len(getattr(dataset, part)) for part in PARTS] == [5, 4, 4]


def test_images_that_begin_alike_are_no_copies(tmp_path: Path) -> None:
    pixels = noise(0, 300, 400)
    for index, part in enumerate(PARTS):
        for label in "ab":
            pixels[-1, -1] = index * 2 + (label == "b")
            (tmp_path / part / label).mkdir(parents=True)
            (tmp_path / part / label / "1.bmp").write_bytes(encoded(pixels, "BMP"))
            content = bytearray((tmp_path / part / label / "1.bmp").read_bytes())
            content[-1] = index * 2 + (label == "b")  # the last byte alone; BMP's first rows are the picture's last
            content[54:1254] = bytes(1200)
            (tmp_path / part / label / "1.bmp").write_bytes(content)
    assert _load(tmp_path)[0].classes == 2


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({"train/a": 3, "validation/a": 1, "test/a": 1}, "must contain at least two classes. Received: a"),
        (
            {"train/a": 3, "train/b": 3, "validation/a": 1, "test/c": 1},
            "test/c/000.png: a class must have an image in the training part. Received: c",
        ),
        ({"a": 1, "b": 1}, "2 samples, which leave none for validation"),
    ],
)
def test_rejects_data_that_cannot_be_trained_on(tmp_path: Path, counts: dict[str, int], message: str) -> None:
    write_classes(tmp_path, counts)
    with pytest.raises(UsageError) as error:
        _load(tmp_path)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        (SampleOptions(size=7), (7, 7, 1)),
        (SampleOptions(color="rgb"), (12, 10, 3)),
        (SampleOptions(color="grey"), (12, 10, 1)),
    ],
)
def test_images_in_memory_are_brought_to_it_too(
    idx_folder: Path, options: SampleOptions, shape: tuple[int, int, int]
) -> None:
    dataset, _ = _load(idx_folder, options)
    assert dataset.form.shape == shape
    assert dataset.class_names == ("0", "1", "2")
    plain, _ = _load(idx_folder)
    difference = dataset.train.preview()[0].mean() - plain.train.preview()[0].mean()
    assert abs(difference) < 5


def test_jpegs_of_one_size_are_what_the_decoder_makes_of_each(tmp_path: Path) -> None:
    for index in range(12):
        path = tmp_path / PARTS[index % 3] / "ab"[index // 6] / f"{index}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(noise(index), "JPEG", "CMYK" if index == 3 else ""))
    train = _load(tmp_path)[0].train
    assert isinstance(train, Files)
    careful = dataclasses.replace(train, decode=lambda encoded: decode(encoded, train.form.sizes, 3))
    for one, two in zip(train.preview(), careful.preview(), strict=True):
        np.testing.assert_array_equal(one, two)
    sized = _load(tmp_path, SampleOptions(size=8))[0].train
    assert sized.preview()[0].shape == (4, 8, 8, 3)
