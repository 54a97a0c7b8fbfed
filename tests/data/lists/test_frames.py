"""Folders of frames, which are videos."""

import io
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from rich.console import Console

from tests.data.making import encoded
from trainer import data
from trainer.data.__main__ import main
from trainer.data.kinds.options import SampleOptions
from trainer.data.lists import frames
from trainer.data.lists.entries import FRAMES, PARTS
from trainer.data.loading import list_entries
from trainer.errors import UsageError

CLIPS = 8  # of each class


def _pixels(seed: int, count: int, height: int = 8, width: int = 8) -> np.ndarray:
    """Returns the frames of a grey video."""
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, 1), np.uint8)


def _write(folder: Path, video: np.ndarray, name: str = "{}.png", first: int = 1) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, frame in enumerate(video, first):
        (folder / name.format(number)).write_bytes(encoded(frame))


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    root = tmp_path / "clips"
    for label, name in enumerate(("run", "walk")):
        for index in range(CLIPS):
            _write(root / name / f"clip{index:02}", _pixels(100 * label + index, 12))
    return root


def _load(root: Path, lines: list[str] | None = None, rank: int = 3, **options: Any) -> data.Dataset:
    log = (lines if lines is not None else []).append
    return data.load(str(root), 0.2, 0, options=SampleOptions(rank=rank, **options), log=log)


def _expected() -> dict[bytes, int]:
    """Returns the videos of `clips`, each with its target."""
    return {_pixels(100 * label + index, 12).tobytes(): label for label in range(2) for index in range(CLIPS)}


def _samples(dataset: data.Dataset) -> dict[bytes, int]:
    """Returns the samples of all parts, each with its target."""
    parts = [getattr(dataset, part).preview() for part in PARTS]
    return {
        one.tobytes(): int(target) for samples, targets in parts for one, target in zip(samples, targets, strict=True)
    }


def test_each_folder_of_frames_is_a_volume_in_the_order_of_the_numbers(clips: Path) -> None:
    (clips / "walk" / "clip00" / "notes.txt").write_text("one, two")
    (clips / "walk" / "clip00" / "._1.png").write_bytes(b"of a Mac")
    lines: list[str] = []
    dataset = _load(clips, lines)
    assert dataset.form.shape == (12, 8, 8, 1)
    assert _samples(dataset) == _expected()
    assert lines == [f"ignored in {clips}: walk/clip00/notes.txt (next to frames)"]
    assert Path(dataset.sample).is_dir()


def test_without_the_rank_they_are_images(clips: Path) -> None:
    lines: list[str] = []
    assert _load(clips, lines, rank=0).form.shape == (8, 8, 1)
    assert lines == []
    for clip in clips.glob("*/*"):
        for path in clip.iterdir():
            path.rename(path.with_name(f"frame_{path.name}"))
    _load(clips, lines, rank=0)
    assert lines == [f"{clips}: each file is read as an image; `--rank=3` reads each folder of frames as a video"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["10.png", "9.png", "0008.PNG"], ["0008.PNG", "9.png", "10.png"]),
        (["frame_2.jpg", "frame_10.jpeg", "frame_1.webp"], ["frame_1.webp", "frame_2.jpg", "frame_10.jpeg"]),
        (["1.png", "01.png", "notes.txt", ".2.png", "Thumbs.db", "3.gif.txt"], ["01.png", "1.png"]),
        (["1.png", "scan.nii.gz"], []),
        (["1.gif", "2.gif"], []),
        (["README"], []),
    ],
)
def test_names_say_what_is_a_frame(names: Sequence[str], expected: Sequence[str]) -> None:
    assert frames.among(names) == expected


def test_videos_of_other_sizes_and_colours_are_brought_to_one(tmp_path: Path) -> None:
    for label in ("a", "b"):
        for index in range(10):
            video = np.full((index + 1, 10 + index, 12, 3), 10 * index, np.uint8)
            video[..., 0] += label == "b"
            _write(tmp_path / label / str(index), video, "{}.bmp" if index % 2 else "{:04}.png")
    lines: list[str] = []
    dataset = _load(tmp_path, lines, volume_size=6)
    assert dataset.form.shape == (6, 6, 6, 3)
    assert lines == ["volumes from 1x10x12 to 10x19x12 voxels are resized to 6x6x6"]
    samples, targets = dataset.train.preview()
    for sample, target in zip(samples, targets, strict=True):
        assert sample[..., 1].max() == sample[..., 1].min() == sample[..., 0].max() - target


def test_frames_are_between_their_neighbours_where_there_are_fewer(tmp_path: Path) -> None:
    for label in ("a", "b"):
        for index in range(8):
            ramp = np.full((16, 8, 8, 1), 1, np.uint8) * np.arange(0, 160, 10, dtype=np.uint8)[:, None, None, None]
            ramp[:, 0, 0] = index + 100 * (label == "b")
            _write(tmp_path / label / str(index), ramp)
    samples, _ = _load(tmp_path, volume_size=8).train.preview()
    np.testing.assert_allclose(samples[0, 1:-1, 4, 4, 0], np.arange(25, 140, 20), atol=1)


def _empty(folder: Path) -> None:
    (folder / "3.png").write_bytes(b"")


def _cut(folder: Path) -> None:
    content = (folder / "3.png").read_bytes()
    (folder / "3.png").write_bytes(content[: len(content) // 2])


def _large(folder: Path) -> None:
    _write(folder, _pixels(0, 1, 8, 16), first=3)


def _gone(folder: Path) -> None:
    (folder / "3.png").unlink()
    (folder / "3.png").symlink_to("nothing.png")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_empty, "its frame 3.png: an empty file"),
        (
            _large,
            "its frame 3.png has 16 x 8 pixels, but 1.png has 8 x 8; the frames of a video must have the same size",
        ),
        (_gone, "its frame 3.png: No such file or directory"),
    ],
)
def test_names_a_frame_that_is_broken_before_training(clips: Path, spoil: Any, said: str) -> None:
    spoil(clips / "run" / "clip03")
    with pytest.raises(UsageError) as raised:
        _load(clips)
    assert str(raised.value) == (
        f"{clips}/run/clip03: must be a NIfTI, .npy or GIF volume, or a folder of frames that can be read. "
        f"Received: {said}; `--skip_broken=yes` skips such volumes"
    )
    lines: list[str] = []
    assert sum(map(len, (getattr(_load(clips, lines, skip_broken=True), part) for part in PARTS))) == 2 * CLIPS - 1
    assert lines[-2:] == [f"skipped: {clips}/run/clip03: {said}", f"1 of {2 * CLIPS} volumes are broken and skipped"]


def test_names_a_frame_that_cannot_be_decoded(clips: Path) -> None:
    _cut(clips / "run" / "clip03")
    lines: list[str] = []
    dataset = _load(clips)
    (broken,) = [one for part in PARTS for one in getattr(dataset, part).find_broken()]
    assert (broken.location, broken.reason.startswith("its frame 3.png: ")) == (f"{clips}/run/clip03", True)
    _load(clips, lines, skip_broken=True)
    assert lines[-2].startswith(f"skipped: {clips}/run/clip03: its frame 3.png: ")


def test_rejects_frames_in_the_class_folder(tmp_path: Path) -> None:
    _write(tmp_path / "run", _pixels(0, 3))
    _write(tmp_path / "walk" / "clip", _pixels(1, 3))
    with pytest.raises(UsageError) as raised:
        _load(tmp_path)
    assert str(raised.value) == (
        f"{tmp_path}/run: with `--rank=3` a class folder must contain a folder of frames for each video. "
        "Received: 1.png and 2 more images"
    )


def test_the_fingerprint_is_of_each_frame_and_the_same_in_shards(clips: Path, tmp_path: Path) -> None:
    (clips / "walk" / "clip01" / "4.png").write_bytes(encoded(_pixels(101, 12)[3]) + bytes(70_000))  # above 64 KB
    before = _load(clips).fingerprint
    screen = Console(file=io.StringIO())
    arguments = [f"--data={clips}", f"--to={tmp_path / 'to'}", "--rank=3", "--validation_split=0.2"]
    assert main(arguments, screen) == 0
    again = _load(tmp_path / "to", rank=0)
    assert again.fingerprint == before
    samples, targets = again.train.preview()
    assert [_expected()[one.tobytes()] for one in samples] == targets.tolist()
    record = json.loads((tmp_path / "to" / "dataset.json").read_text())
    assert record["parts"]["train"]["formats"] == {"frames": sum(record["parts"]["train"]["images_of_class"].values())}
    assert record["parts"]["train"]["depth"] == {"smallest": 12, "median": 12, "largest": 12}
    _write(clips / "run" / "clip05", _pixels(9, 1), first=12)  # the last frame
    assert _load(clips).fingerprint.changes(before) != []


def test_checks_frames_and_sees_that_one_has_changed(clips: Path, tmp_path: Path) -> None:
    _cut(clips / "run" / "clip03")
    arguments = [f"--data={clips}", f"--to={tmp_path / 'to'}", "--rank=3"]
    screen = Console(file=io.StringIO(), width=300)
    assert main(arguments, screen) == 2
    (line,) = [one for one in screen.file.getvalue().splitlines() if one.startswith(str(clips))]  # type: ignore[attr-defined]
    assert line.startswith(f"{clips}/run/clip03: cannot be read: its frame 3.png: ")
    _write(clips / "run" / "clip03", _pixels(3, 12))
    assert main(arguments, screen) == 0


def test_a_manifest_names_folders_of_frames(clips: Path, tmp_path: Path) -> None:
    rows = [f"{clip},{clip.parent.name}" for clip in sorted(clips.glob("*/*"))]
    (tmp_path / "clips.csv").write_text("\n".join(["video,label", *rows]))
    dataset = _load(tmp_path / "clips.csv", rank=0)
    assert dataset.form.shape == (12, 8, 8, 1)
    assert sum(len(getattr(dataset, part)) for part in PARTS) == 2 * CLIPS


def test_lists_one_entry_for_each_video(clips: Path) -> None:
    entries = list_entries(str(clips), rank=3)
    assert len(entries) == 2 * CLIPS
    assert {entry.length for entry in entries} == {FRAMES}
    assert entries[0].name == "run/clip00"


def test_parts_and_folders_at_any_depth(clips: Path, tmp_path: Path) -> None:
    for part in ("train", "val", "test"):
        for name in ("run", "walk"):
            shutil.copytree(clips / name / "clip00", tmp_path / "parted" / part / name / "one" / f"{part} clip")
    entries = list_entries(str(tmp_path / "parted"), rank=3)
    assert {(entry.part, entry.name) for entry in entries} == {
        (("validation" if part == "val" else part), f"{name}/one/{part} clip")
        for part in ("train", "val", "test")
        for name in ("run", "walk")
    }


def test_a_batch_reads_videos_side_by_side(clips: Path) -> None:
    store = _load(clips).train
    (batch,) = store.read(
        tf.data.Dataset.range(1), lambda _: tf.constant([3, 1], tf.int64), lambda _, samples: samples
    ).as_numpy_iterator()
    assert [_expected()[one.tobytes()] for one in batch] == [store.targets[3], store.targets[1]]
