"""Data sets: trees of folders and links, lists of images in CSV and JSON Lines, shards."""

import contextlib
import csv
import io
import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from random import Random

import google_crc32c
from rich.console import Console

from tests.data.records import example
from tests.fuzz import making
from tests.fuzz.case import Run
from trainer import data as datasets
from trainer.data.__main__ import main as write

_MARK = 0xA282EAD8
_COLUMNS = ("image", "label", "split", "filename", "class", "image_path", "Image", "label ", "")
_SHARD_NAMES = ("train-00000-of-00002.tfrecord", "x-train.tfrecord-00000-of-00001", "test.tfrecords", "a.tfrecord")


def load(random: Random, folder: Path) -> Run:
    """What `--data` names, read as a run does, and the first images of each part."""
    path = _tree(random, folder)
    return _loading(random, path)


def list_and_write(random: Random, folder: Path) -> Run:
    """What `trainer.data` is given, from folder to shards."""
    path = _tree(random, folder)
    flags = ["--skip_broken=yes"] if random.random() < 0.5 else []
    words = [f"--data={path}", f"--to={folder / 'to'}", "--validation_split=0.3", *flags]
    return lambda: write(words, Console(file=io.StringIO()))


def shards(random: Random, folder: Path) -> Run:
    """A folder of TFRecord shards."""
    path = folder / "data"
    path.mkdir()
    for _ in range(random.randrange(1, 3)):
        name = random.choice(_SHARD_NAMES) if random.random() < 0.7 else making.name(random, ("tfrecord", "tfrecords"))
        content = b"".join(_record(_example(random)) for _ in range(random.randrange(8)))
        _write(path / name, making.damaged(random, content) if random.random() < 0.3 else content)
    return _loading(random, path)


def _loading(random: Random, path: Path) -> Run:
    size, color = random.choice((0, 8, 48)), random.choice(("auto", "grey", "rgb"))
    options = datasets.SampleOptions(size, color, skip_broken=random.random() < 0.5)
    split = random.choice((0.01, 0.1, 0.5))

    def run() -> None:
        dataset = datasets.load(str(path), split, 0, options=options, log=lambda line: None)
        with datasets.named_breaks(dataset):
            for part in filter(len, (dataset.train, dataset.validation, dataset.test)):
                samples, targets = part.preview()
                assert samples.shape[1:] == dataset.form.shape
                assert len(samples) == len(targets)
                assert all(0 <= target < dataset.classes for target in targets)

    return run


def _tree(random: Random, folder: Path) -> Path:
    """Makes a data set of some form, and returns where it is."""
    root = folder / "data"
    root.mkdir()
    for _ in range(random.randrange(1, 5)):
        above = root / random.choice((making.name(random, ()), random.choice(("train", "test", "validation", "cat"))))
        for _ in range(random.randrange(1, 3)):
            _fill(random, above)
            above /= random.choice(("cat", "dog", making.name(random, ())))
    for _ in range(random.choice((0, 0, 1, 2))):
        _odd(random, root)
    if random.random() < 0.4:
        listed = root / random.choice(("all.csv", "all.jsonl", "train.csv", "a.CSV"))
        _write(listed, random.choice((_csv, _json_lines))(random, root))
        return listed if random.random() < 0.6 else root
    return root


def _fill(random: Random, folder: Path) -> None:
    for _ in range(random.choice((0, 1, 4, 12))):
        content = random.choice(making.IMAGES) if random.random() < 0.9 else making.image(random)
        _write(folder / making.name(random, ("png", "jpg", "webp")), content)


def _odd(random: Random, root: Path) -> None:
    """Adds what is no image: links to folders above and to nowhere, hidden files, empty folders."""
    path = root / making.name(random)
    kinds: tuple[Callable[[], object], ...] = (
        lambda: path.symlink_to(random.choice(("..", ".", "nowhere", "/dev/null", path.name, "cat"))),
        lambda: (root / ".DS_Store").write_bytes(b"x"),
        path.mkdir,
        lambda: os.mkfifo(path),
        lambda: path.write_bytes(random.randbytes(10)),
        lambda: path.write_bytes(b""),
    )
    with contextlib.suppress(OSError):
        random.choice(kinds)()


def _images(random: Random, root: Path) -> list[str]:
    found = sorted((str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()), key=os.fsencode)
    return [*found, making.text(random)]


def _csv(random: Random, root: Path) -> bytes:
    images, stream = _images(random, root), io.StringIO()
    writer = csv.writer(stream, delimiter=random.choice(",,,;\t"), quoting=random.choice((0, 1, 3)), escapechar="\\")
    if random.random() < 0.9:
        columns = ["image", "label", "split"][: random.choice((2, 3))]
        if random.random() < 0.2:
            columns[random.randrange(len(columns))] = random.choice(_COLUMNS)
        writer.writerow(columns)
    for _ in range(random.randrange(20)):
        cells = [random.choice(images), random.choice(("cat", "dog", making.text(random)))]
        cells += [random.choice(("train", "test", "validation", "valid", ""))] if random.random() < 0.3 else []
        writer.writerow(cells)
    content = making.encoded(stream.getvalue())
    return making.damaged(random, content) if random.random() < 0.2 else content


def _json_lines(random: Random, root: Path) -> bytes:
    lines, images = [], _images(random, root)
    for _ in range(random.randrange(20)):
        row = {"image": random.choice(images), "label": random.choice(("cat", "dog", 1, "1"))}
        if random.random() < 0.2:
            row = {"imageGcsUri": random.choice(images), "classificationAnnotation": {"displayName": "cat"}}
        lines.append(making.as_json(random, row) if random.random() < 0.1 else json.dumps(row).encode())
    return b"\n".join(lines)


def _example(random: Random) -> bytes:
    label = random.choice((0, 1, 1, "cat", 0.5, -1, making.text(random).encode(errors="replace")))
    fields = {"image__encoded": making.image(random), "image__class__label": label}
    if random.random() < 0.3:
        fields["image__class__text"] = random.choice(("cat", "dog", b"\xff", 7))
    if random.random() < 0.1:
        del fields[random.choice([*fields])]
    content = example(**fields)
    return making.damaged(random, content) if random.random() < 0.1 else content


def _record(content: bytes) -> bytes:
    """Returns a record of a TFRecord file."""
    length = struct.pack("<Q", len(content))
    return length + _checksum(length) + content + _checksum(content)


def _checksum(content: bytes) -> bytes:
    value = google_crc32c.value(content)
    return struct.pack("<I", ((value >> 15 | value << 17) + _MARK) & 0xFFFFFFFF)


def _write(path: Path, content: bytes) -> None:
    with contextlib.suppress(OSError):  # a folder or a link has that name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
