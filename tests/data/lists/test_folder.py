import errno
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from trainer.data.lists import folder
from trainer.errors import UsageError


def _touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


def _link(path: Path, target: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def test_reads_class_folders_whatever_they_are_called(tmp_path: Path) -> None:
    names = ("cat/a.png", "cat/deep/er/b.jpg", "sea lion/c d.png", "猫/写真 1.jpeg", "cat/no extension")
    _touch(tmp_path, *names, "cat/.hidden", "cat/Thumbs.db", ".git/config", "__MACOSX/cat/a.png", "notes.txt")
    entries = folder.read(tmp_path)
    assert {entry.name for entry in entries} == {*names}
    assert {entry.label for entry in entries} == {"cat", "sea lion", "猫"}
    assert {entry.part for entry in entries} == {""}
    assert all(Path(entry.file).is_file() for entry in entries)


def test_reads_parts(tmp_path: Path) -> None:
    _touch(tmp_path, "train/cat/1", "train/dog/1", "val/cat/1", "test/dog/1")
    parts = {(entry.part, entry.label) for entry in folder.read(tmp_path)}
    assert parts == {("train", "cat"), ("train", "dog"), ("validation", "cat"), ("test", "dog")}


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("training_set", "test_set"),
        ("training_set/training_set", "test_set/test_set"),
        ("seg_train/seg_train", "seg_test/seg_test"),
        ("train_images", "test_images"),
        ("trainval", "test"),
        ("Train", "TEST"),
    ],
)
def test_reads_parts_whatever_their_folders_are_called(tmp_path: Path, train: str, test: str) -> None:
    _touch(tmp_path, f"{train}/cat/1", f"{train}/dog/2", f"{test}/cat/3", f"{test}/dog/4")
    parts = {(entry.part, entry.name) for entry in folder.read(tmp_path)}
    assert parts == {("train", "cat/1"), ("train", "dog/2"), ("test", "cat/3"), ("test", "dog/4")}


def test_a_word_within_a_name_alone_is_no_part(tmp_path: Path) -> None:
    _touch(tmp_path, "test tube/1", "beaker/1", "test_positive/1")
    assert {entry.label for entry in folder.read(tmp_path)} == {"test tube", "beaker", "test_positive"}


def test_a_class_with_a_file_of_a_name_of_ours_is_a_class(tmp_path: Path) -> None:
    _touch(tmp_path, "cat/1", "cat/study.json", "dog/1", "dog/dataset.json")
    assert {entry.label for entry in folder.read(tmp_path)} == {"cat", "dog"}


def test_reads_parts_below_class_folders(tmp_path: Path) -> None:
    _touch(tmp_path, "cat/train/1", "cat/Test/1", "dog/train/1", "dog/val/deep/1")
    parts = {(entry.part, entry.name) for entry in folder.read(tmp_path)}
    assert parts == {
        ("train", "cat/train/1"),
        ("test", "cat/Test/1"),
        ("train", "dog/train/1"),
        ("validation", "dog/val/deep/1"),
    }


@pytest.mark.parametrize("names", [("valid/1", "invalid/1"), ("train/1", "bus/1"), ("test/1", "control/1", "test/2")])
def test_a_part_name_without_class_folders_beside_classes_is_a_class(tmp_path: Path, names: tuple[str, ...]) -> None:
    _touch(tmp_path, *names)
    lines: list[str] = []
    entries = folder.read(tmp_path, lines.append)
    assert {entry.label for entry in entries} == {name.split("/")[0] for name in names}
    assert {entry.part for entry in entries} == {""}
    assert lines == [f"{tmp_path / names[0].split('/')[0]}: read as a class, not as a part, as it has no class folders"]


@pytest.mark.parametrize(
    "system",
    ["@eaDir", "#recycle", "$RECYCLE.BIN", "System Volume Information", "lost+found", "__MACOSX", "__pycache__"],
)
def test_system_folders_are_passed_over(tmp_path: Path, system: str) -> None:
    _touch(tmp_path, "cat/1", "dog/1", f"{system}/cat/1", f"cat/{system}/1")
    lines: list[str] = []
    entries = folder.read(tmp_path, lines.append)
    assert sorted(entry.name for entry in entries) == ["cat/1", "dog/1"]
    assert lines == [f"ignored in {tmp_path}: {system}, cat/{system} (system)"]


def test_the_output_of_this_program_is_passed_over(tmp_path: Path) -> None:
    _touch(
        tmp_path,
        "cat/1",
        "dog/1",
        "runs/a/hparams.json",
        "runs/a/logs/events",
        "tuned/study.json",
        "tuned/1/hparams.json",
    )
    _touch(
        tmp_path, "shards/dataset.json", "shards/train.tfrecord", "cat/mine/hparams.json", "cat/mine/model/model.json"
    )
    lines: list[str] = []
    assert sorted(entry.name for entry in folder.read(tmp_path, lines.append)) == ["cat/1", "dog/1"]
    assert lines == [f"ignored in {tmp_path}: shards, tuned, cat/mine and 1 more (output)"]
    assert folder.empty_classes(tmp_path) == []


@pytest.mark.parametrize(
    ("where", "target"), [("cat/all", ".."), ("cat/all", "."), ("cat/up", "../.."), ("cat/d", "../dog")]
)
def test_a_link_to_a_folder_of_the_data_is_passed_over(tmp_path: Path, where: str, target: str) -> None:
    root = tmp_path / "data"
    _touch(tmp_path, "elsewhere/secret", "data/cat/1", "data/cat/deep/2", "data/dog/1")
    _link(root / where, target)
    _link(root / "dog" / "all", "..")
    lines: list[str] = []
    entries = folder.read(root, lines.append)
    assert sorted(entry.name for entry in entries) == ["cat/1", "cat/deep/2", "dog/1"]
    assert lines == [f"ignored in {root}: {where}, dog/all (links to folders that are read already)"]


def test_a_folder_of_links_to_a_store_is_read(tmp_path: Path) -> None:
    _touch(tmp_path, "store/1", "store/2", "store/3", "elsewhere/dogs/4")
    for number, label in ((1, "cat"), (2, "cat"), (3, "dog")):
        _link(tmp_path / "data" / label / f"{number}.png", f"../../store/{number}")
    _link(tmp_path / "data" / "dog" / "more", "../../elsewhere/dogs")
    names = sorted(entry.name for entry in folder.read(tmp_path / "data"))
    assert names == ["cat/1.png", "cat/2.png", "dog/3.png", "dog/more/4"]


def test_each_file_is_read_once_whatever_leads_to_it(tmp_path: Path) -> None:
    _touch(tmp_path, "train/cat/1", "train/dog/2", "test/cat/3", "test/dog/4")
    _link(tmp_path / "train/cat/again", "1")
    os.link(tmp_path / "train/dog/2", tmp_path / "train/dog/hard")
    _link(tmp_path / "train/cat/leak", "../../test/cat/3")
    lines: list[str] = []
    entries = folder.read(tmp_path, lines.append)
    assert sorted((entry.part, entry.name) for entry in entries) == [
        ("test", "cat/3"),
        ("test", "dog/4"),
        ("train", "cat/1"),
        ("train", "dog/2"),
    ]
    assert "train/cat/again, train/cat/leak, train/dog/hard (files that are read already)" in lines[0]


def test_one_file_in_two_classes_stays_in_both_so_that_it_is_refused_with_its_content(tmp_path: Path) -> None:
    _touch(tmp_path, "cat/1", "dog/2")
    _link(tmp_path / "dog/1", "../cat/1")
    assert sorted(entry.name for entry in folder.read(tmp_path)) == ["cat/1", "dog/1", "dog/2"]


def test_a_link_to_nothing_stays_so_that_it_is_named(tmp_path: Path) -> None:
    _touch(tmp_path, "cat/1", "dog/1")
    _link(tmp_path / "cat/gone", "nowhere")
    _link(tmp_path / "dog/gone", "nowhere")
    assert Counter(entry.label for entry in folder.read(tmp_path)) == {"cat": 2, "dog": 2}


def test_what_is_no_file_is_passed_over(tmp_path: Path) -> None:
    _touch(tmp_path, "cat/1", "dog/1")
    os.mkfifo(tmp_path / "cat/pipe")
    _link(tmp_path / "dog/itself", "itself")
    lines: list[str] = []
    assert sorted(entry.name for entry in folder.read(tmp_path, lines.append)) == ["cat/1", "dog/1", "dog/itself"]
    assert lines == [f"ignored in {tmp_path}: cat/pipe (not a file)"]


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _touch(tmp_path, "cat/1", "dog/closed/1")
    scan = os.scandir

    def closed(path: Path) -> Any:  # as root, nothing is closed
        if path.name == "closed":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", closed)
    with pytest.raises(UsageError, match="dog/closed: must be a folder that can be read. Received: Permission denied"):
        folder.read(tmp_path)


def test_a_part_without_class_folders_is_passed_over(tmp_path: Path) -> None:
    _touch(tmp_path, "train/cat/1", "train/dog/1", "test/unlabelled.png")
    lines: list[str] = []
    assert {entry.part for entry in folder.read(tmp_path, lines.append)} == {"train"}
    assert lines == [f"ignored in {tmp_path}: test (without class folders)"]


def test_names_of_files_that_look_like_parts_are_told(tmp_path: Path) -> None:
    _touch(tmp_path, "cat/train_1.png", "cat/test_2.png", "dog/train_1.png", "dog/testing.png")
    lines: list[str] = []
    assert {entry.part for entry in folder.read(tmp_path, lines.append)} == {""}
    assert lines == [f"{tmp_path}: cat/test_2.png and such file names decide no part; use folders or a manifest"]


def test_finds_empty_classes(tmp_path: Path) -> None:
    _touch(tmp_path, "train/cat/1", "train/dog/.hidden", "test/cat/1")
    assert folder.empty_classes(tmp_path) == [tmp_path / "train" / "dog"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), "must contain a folder of samples for each class. Received: none"),
        (("a.png",), "must contain a folder of samples for each class. Received: none"),
        (("train/cat/1", "cat/1"), "must contain no other folder next to train, validation and test"),
        (("train/1", "test/1"), "test: must contain a folder of samples for each class. Received: none"),
        (("photos/cat/1", "photos/dog/1"), r"did you mean `--data=.*/photos`\?"),
        (("photos/train/cat/1", "photos/test/cat/1"), r"did you mean `--data=.*/photos`\?"),
        (("seg_train/cat/1", "seg_test/cat/1", "seg_pred/1"), "no other folder .* Received: seg_pred"),
        (("train/cat/1", "holdout/cat/1"), "no other folder .* Received: holdout"),
        (("cat_train/1", "cat_test/1", "dog_train/1"), "must contain a folder of samples for each class"),
        (("cat/train/1", "cat/test/1", "dog/1"), "must contain nothing else. Received: .*/dog/1"),
        (("cat/train/1", "cat/other/1", "dog/train/1"), "must contain nothing else. Received: .*/cat/other"),
    ],
)
def test_rejects_what_is_no_folder_of_classes(tmp_path: Path, names: tuple[str, ...], message: str) -> None:
    _touch(tmp_path, *names)
    with pytest.raises(UsageError, match=message):
        folder.read(tmp_path)
