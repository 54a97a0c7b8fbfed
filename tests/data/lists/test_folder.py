from pathlib import Path

import pytest

from trainer.data.lists import folder
from trainer.errors import UsageError


def _touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


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


def test_finds_empty_classes(tmp_path: Path) -> None:
    _touch(tmp_path, "train/cat/1", "train/dog/.hidden", "test/cat/1")
    assert folder.empty_classes(tmp_path) == [tmp_path / "train" / "dog"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), "must hold a folder of images for each class. Received: none"),
        (("a.png",), "must hold a folder of images for each class. Received: none"),
        (("train/cat/1", "cat/1"), "beside train, validation and test there may be no other folder. Received: cat"),
    ],
)
def test_rejects_what_is_no_folder_of_classes(tmp_path: Path, names: tuple[str, ...], message: str) -> None:
    _touch(tmp_path, *names)
    with pytest.raises(UsageError, match=message):
        folder.read(tmp_path)
