import json
from pathlib import Path

import numpy as np
import pytest

from tests.data.making import encoded, noise, write_classes
from trainer import data
from trainer.data import caveats, convert
from trainer.data.form import Form
from trainer.data.kinds.image.kind import IMAGE
from trainer.data.lists import folder
from trainer.data.stores.memory import Memory


def _dataset(*counts: tuple[int, ...]) -> data.Dataset:
    """Returns images of so many of each class in each part."""
    stores = []
    for part, of_class in enumerate(counts):
        samples = np.random.default_rng(part).integers(0, 256, (sum(of_class), 8, 8, 1), np.uint8)
        stores.append(Memory(samples, np.repeat(np.arange(len(of_class)), of_class).astype(np.int32), Form((8, 8), 1)))
    return data.Dataset(
        stores[0], stores[1], stores[2], len(counts[0]), ["cat", "dog\n", "emu", "fox", "gnu"][: len(counts[0])]
    )


@pytest.mark.parametrize(
    ("counts", "lines"),
    [
        (((90, 90), (50, 50), (1, 1)), []),
        (
            ((90, 90), (60, 39), (5, 5)),
            ["validation part of 99 images, fewer than 100: its accuracy is uncertain by up to 10 percentage points"],
        ),
        (
            ((9, 9), (1, 0), (5, 5)),
            [
                "1 class is not in every part: dog\\n (no validation image)",
                "validation part of 1 image, fewer than 100: its accuracy is uncertain by up to 45 percentage points",
            ],
        ),
        (
            ((9, 9, 1, 1, 1), (100, 0, 0, 0, 0), (0, 5, 0, 0, 0)),
            [
                "5 classes are not in every part: cat (no test image), dog\\n (no validation image), "
                "emu (no validation or test image) and 2 more"
            ],
        ),
    ],
)
def test_small_classes_and_a_small_validation_part_are_said(
    counts: tuple[tuple[int, ...], ...], lines: list[str]
) -> None:
    assert caveats.caveats_of(_dataset(*counts)) == lines


def test_copies_in_memory_are_counted() -> None:
    dataset = _dataset((90, 90), (60, 60), (5, 5))
    dataset.test.samples[3:5] = dataset.train.samples[10:12]
    dataset.validation.samples[7] = dataset.train.samples[100] // 2
    (line,) = caveats.caveats_of(dataset)
    assert line == (
        "near-duplicates across parts: 1 validation image and 2 test images are almost the same as images of an "
        "earlier part"
    )


def test_large_data_sets_are_not_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = _dataset((90, 90), (60, 60), (5, 5))
    dataset.test.samples[3] = dataset.train.samples[10]
    monkeypatch.setattr(caveats, "_MOST_QUICK", 100)
    assert caveats.caveats_of(dataset) == []


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with a copy, compressed again, of a training image in the test part."""
    parts = {f"{part}/{label}": 3 for part in ("train", "validation", "test") for label in ("a", "b")}
    write_classes(tmp_path / "photos", parts, height=40, width=60)
    copy = tmp_path / "photos" / "test" / "b" / "copy.jpg"
    copy.write_bytes(encoded(noise(4, 40, 60), "JPEG", quality=70))  # train/b/001.png
    return tmp_path / "photos"


def test_copies_in_files_are_named_before_the_training(photos: Path) -> None:
    *_, line = caveats.caveats_of(data.load(str(photos), 0.1, 0))
    assert line == (
        "near-duplicates across parts: 1 test image is almost the same as images of an earlier part, as "
        f"{photos}/test/b/copy.jpg and {photos}/train/b/001.png"
    )


def test_a_broken_file_is_left_to_the_training(photos: Path) -> None:
    content = (photos / "test" / "b" / "copy.jpg").read_bytes()
    (photos / "test" / "b" / "copy.jpg").write_bytes(content[:-200])
    assert not any("near" in line for line in caveats.caveats_of(data.load(str(photos), 0.1, 0)))


def test_copies_are_named_before_shards_are_written(photos: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    entries = folder.read(photos)
    to = tmp_path / "to"
    problems = convert.convert(entries, IMAGE, to, 0.1, shard_bytes=10**8, skip_broken=False, log=lines.append)
    assert problems == []
    assert len(lines) == 2
    assert lines[0].startswith("validation part of 6 images, fewer than 100")
    assert lines[1].endswith(f"earlier part, as {photos}/test/b/copy.jpg and {photos}/train/b/001.png")
    assert json.loads((to / "dataset.json").read_text())["notes"] == lines


def test_more_samples_than_can_be_compared_are_said(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caveats, "_MOST_PAIRS", 10)
    lines: list[str] = []
    convert.convert(
        folder.read(photos), IMAGE, tmp_path / "to", 0.1, shard_bytes=10**8, skip_broken=False, log=lines.append
    )
    assert lines[-1] == "near-duplicates across parts: not looked for among 19 images"
