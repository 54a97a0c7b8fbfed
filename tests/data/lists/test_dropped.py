"""Samples that are left out by name: which, and that all others stay where they are."""

from pathlib import Path

import numpy as np
import pytest

from tests.data.making import write_classes
from trainer import data
from trainer.data.lists.dropped import Dropped
from trainer.errors import UsageError


def _list(folder: Path, text: str) -> Dropped:
    (folder / "drop.csv").write_text(text)
    return Dropped.read(str(folder / "drop.csv"))


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("name,label\na.png,x\nb.png,y\n", {"a.png": 2, "b.png": 3}),
        ("label,name\nx,a.png\n\ny,b.png", {"a.png": 2, "b.png": 4}),
        ('a.png\r\n"b, c.png"\r\n', {"a.png": 1, "b, c.png": 2}),
        ("\ufeffName\na.png\na.png\n", {"a.png": 2}),
        ("", {}),
    ],
)
def test_reads_a_column_of_names_or_names_alone(text: str, lines: dict[str, int], tmp_path: Path) -> None:
    assert dict(_list(tmp_path, text).lines) == lines


def _arrays(folder: Path, has_test: bool) -> str:
    random = np.random.default_rng(0)
    parts = {"train": 60, "test": 20} if has_test else {"train": 60}
    arrays = {f"x_{part}": random.integers(0, 255, (count, 8, 8)).astype(np.uint8) for part, count in parts.items()}
    arrays |= {f"y_{part}": np.arange(count) % 3 for part, count in parts.items()}
    np.savez(folder / "data.npz", **arrays)
    return str(folder / "data.npz")


def _files(folder: Path) -> str:
    write_classes(folder / "data", dict.fromkeys("abc", 20))
    return str(folder / "data")


def _names(dataset: data.Dataset) -> dict[str, list[str]]:
    return {part: [*dataset.names(part)] for part in data.PARTS}


@pytest.mark.parametrize("kind", ["files", "arrays", "arrays with a test part"])
@pytest.mark.parametrize("fold", [None, data.Fold(2, 5), data.Fold(0, 5)])
def test_the_others_stay_in_their_parts(kind: str, fold: data.Fold | None, tmp_path: Path) -> None:
    location = _files(tmp_path) if kind == "files" else _arrays(tmp_path, "test" in kind)
    whole = data.load(location, 0.2, 0, fold=fold)
    before = _names(whole)
    out = [before[part][index] for part in data.PARTS for index in (0, 3) if index < len(before[part])]
    left = data.load(location, 0.2, 0, fold=fold, drop=_list(tmp_path, "name\n" + "\n".join(out)))
    assert _names(left) == {part: [name for name in names if name not in out] for part, names in before.items()}
    assert left.fingerprint.dropped == len(out)
    assert [*left.held_out] == [name for name in whole.held_out if name not in out]
    assert left.fingerprint.changes(whole.fingerprint)[0] == f"--drop left out 0 samples before, {len(out)} now"
    other = data.load(
        location, 0.2, 0, fold=fold, drop=_list(tmp_path, "name\n" + "\n".join([*out[1:], before["train"][1]]))
    )
    assert other.fingerprint.changes(left.fingerprint)


def test_a_name_may_be_written_from_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    location = _files(tmp_path)
    monkeypatch.chdir(tmp_path)
    for name in ("data/a/003.png", "./data/a/../a/003.png", f"{location}/a/003.png"):
        left = data.load(location, 0.2, 0, drop=_list(tmp_path, name))
        assert left.fingerprint.dropped == 1
    monkeypatch.chdir("/")
    assert (
        data.load(location, 0.2, 0, drop=_list(tmp_path, "data/a/003.png")).fingerprint.dropped == 1
    )  # beside the list


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name\ndata/a/000.png\n\nno.png", r"drop\.csv, line 4: must be the name of a sample .*Received: no\.png"),
        ("label,name\nx", r"drop\.csv, line 2: must have the name of a sample\. Received: nothing"),
        ('name\n"a', r"`--drop` must be a CSV file\. Received: .*drop\.csv"),
        ("name\n" + "\n".join(f"data/a/{n:03}.png" for n in range(20)), r"`--drop` must leave an image of each class"),
    ],
)  # fmt: skip
def test_rejects_lists_that_do_not_fit(text: str, message: str, tmp_path: Path) -> None:
    location = _files(tmp_path)
    with pytest.raises(UsageError, match=message):
        data.load(location, 0.2, 0, drop=_list(tmp_path, text))


def test_rejects_a_file_that_is_missing() -> None:
    with pytest.raises(UsageError, match=r"`--drop` must be a file that can be read\. Received: none\.csv \(No such"):
        Dropped.read("none.csv")
