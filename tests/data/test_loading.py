import dataclasses
import gzip
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.conftest import write_idx
from tests.data import records
from tests.data.making import encoded, noise, write_classes
from trainer import data
from trainer.data import loading
from trainer.errors import UsageError


def test_digits_are_real_and_of_mnists_size() -> None:
    digits = data.load("digits", 0.1, seed=0)
    assert digits.form.shape == (28, 28, 1)
    assert digits.classes == 10
    assert (len(digits.train), len(digits.validation), len(digits.test)) == (1293, 144, 360)
    assert digits.train.samples.dtype == np.uint8
    assert digits.train.samples.max() == 255


def test_seed_fixes_the_validation_part_and_never_touches_the_test_part() -> None:
    first, again, other = (data.load("digits", 0.1, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.validation.samples, again.validation.samples)
    assert not np.array_equal(first.validation.samples, other.validation.samples)
    np.testing.assert_array_equal(first.test.samples, other.test.samples)


def test_each_class_gives_its_share_of_samples_in_memory() -> None:
    for seed in range(3):
        counts = np.bincount(data.load("digits", 0.1, seed).validation.targets)
        assert (counts.min(), counts.max()) == (13, 15)


def test_a_run_does_not_resume_with_a_part_that_is_split_in_another_way() -> None:
    now = data.load("digits", 0.1, seed=0).fingerprint
    former = dataclasses.replace(now, checksums={"samples": now.checksums["samples"]})  # of an earlier version
    assert now.changes(former) == ["the parts of samples changed"]
    assert now.changes(data.load("digits", 0.1, seed=0).fingerprint) == []
    assert now.changes(data.load("digits", 0.1, seed=1).fingerprint) == ["the parts of samples changed"]


def test_rejects_classes_of_one_sample_each(tmp_path: Path) -> None:
    np.savez(tmp_path / "single.npz", x=np.zeros((12, 9, 9, 9)), y=np.arange(12))
    with pytest.raises(UsageError, match=r"`--data` must have two volumes of a class to split one off. Received: 12 "):
        data.load(str(tmp_path / "single.npz"), 0.1, seed=0)


def test_no_training_image_is_held_out_too(idx_folder: Path) -> None:
    loaded = data.load(str(idx_folder), 0.2, seed=0)
    both = np.concatenate([loaded.train.samples, loaded.validation.samples]).reshape(30, -1)
    assert len(np.unique(both, axis=0)) == 30
    assert len(loaded.validation) == 6


def test_a_split_has_an_image_however_small_its_share(idx_folder: Path) -> None:
    loaded = data.load(str(idx_folder), 0.01, seed=0)
    assert (len(loaded.train), len(loaded.validation)) == (29, 1)


def test_rejects_too_few_samples_for_a_test_part(tmp_path: Path) -> None:
    np.savez(tmp_path / "few.npz", x=np.zeros((5, 9, 9, 9)), y=np.array([0, 1, 0, 1, 0]))
    with pytest.raises(
        UsageError, match=r"`--data` must have at least 6 volumes to split off a tenth as its test part. Received: 5$"
    ):
        data.load(str(tmp_path / "few.npz"), 0.5, seed=0)


@pytest.mark.parametrize("name", ["no-such-folder", "", "setup.py", "x" * 300])
def test_rejects_what_is_neither_a_name_nor_a_folder(name: str) -> None:
    with pytest.raises(UsageError, match="^`--data` must be one of digits, mnist, .*, or a folder. Received: "):
        data.load(name, 0.1, seed=0)


def _write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def _list(folder: Path | str) -> tuple[dict[str, set[str]], list[str]]:
    """Returns the names of the images in each part, and what was said."""
    lines: list[str] = []
    parts: dict[str, set[str]] = {}
    for entry in loading.list_entries(str(folder), log=lines.append):
        parts.setdefault(entry.part, set()).add(entry.name)
    return parts, lines


ONE, TWO, THREE = (f"image,label\n{name}1.png,cat\n{name}2.png,dog\n" for name in "abc")
JSON = '{"image": "a1.png", "label": "cat"}\n'


@pytest.mark.parametrize(
    ("files", "parts", "said"),
    [
        ({"train.csv": ONE, "test.csv": TWO}, {"train": {"a1.png", "a2.png"}, "test": {"b1.png", "b2.png"}}, []),
        (
            {"photos_train.csv": ONE, "photos-dev.tsv": TWO.replace(",", "\t"), "testSet.csv": THREE},
            {"train": {"a1.png", "a2.png"}, "validation": {"b1.png", "b2.png"}, "test": {"c1.png", "c2.png"}},
            [],
        ),
        (
            {"train-0.csv": ONE, "train-1.csv": TWO, "val.csv": "image,label,set\nc1.png,cat,val\nc2.png,dog,\n"},
            {"train": {"a1.png", "a2.png", "b1.png", "b2.png"}, "validation": {"c1.png", "c2.png"}},
            [],
        ),
        ({"train.jsonl": JSON, "test.jsonl": JSON.replace("a1", "b")}, {"train": {"a1.png"}, "test": {"b.png"}}, []),
        ({"photos_train.csv": ONE}, {"": {"a1.png", "a2.png"}}, []),  # one list says no part by its name
        (
            {"credits.csv": "name,by\n", "cat/1.png": "", "dog/1.png": ""},
            {"": {"cat/1.png", "dog/1.png"}},
            ["{}/credits.csv is ignored: it has no `image` and `label`"],
        ),
        (
            {"train.csv": ONE, "test.csv": "image\nb.png\n"},  # as in a competition
            {"": {"a1.png", "a2.png"}},
            ["{}/test.csv is ignored: it has no `image` and `label`"],
        ),
    ],
)
def test_lists_that_lie_in_a_folder(
    tmp_path: Path, files: dict[str, str], parts: dict[str, set[str]], said: list[str]
) -> None:
    _write(tmp_path, files)
    assert _list(tmp_path) == (parts, [line.format(tmp_path) for line in said])


def test_says_which_lists_beside_one_are_passed_over(tmp_path: Path) -> None:
    _write(tmp_path, {"train.csv": ONE, "test.csv": TWO, "more.csv": THREE})
    assert _list(tmp_path / "train.csv") == (
        {"": {"a1.png", "a2.png"}},
        [f"test.csv next to {tmp_path}/train.csv is ignored; set `--data` to their folder to use both"],
    )
    assert _list(tmp_path / "more.csv")[1] == []


def test_says_what_lies_beside_files_of_another_form(tmp_path: Path, idx_folder: Path) -> None:
    records.write(
        tmp_path / "shards" / "train.tfrecord",
        [records.example(image=encoded(noise(seed=index)), label=index % 2) for index in range(40)],
    )
    for above in (tmp_path / "shards", idx_folder):
        _write(above, {"cat/1.png": "", "list.csv": ONE, ".git/config": ""})
        lines: list[str] = []
        data.load(str(above), 0.1, 0, log=lines.append)
        assert lines == [f"ignored in {above}: cat, list.csv (next to files of another format)"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"a.csv": ONE, "b.csv": TWO},
            ": must contain one manifest, or manifests whose names contain train, validation or test.",
        ),
        (
            {"train.csv": ONE, "more.csv": TWO},
            "/more.csv: its name must contain train, validation or test, as train.csv does.",
        ),
        (
            {"train.csv": ONE, "train.jsonl": JSON},
            ": manifests must be of one format, CSV or JSON Lines. Received: train.",
        ),
        ({"train.csv": ONE, "test.csv": ONE}, "/train.csv, line 2: a sample must be in one part. Received: "),
        (
            {"train.csv": ONE, "train_test.csv": TWO},
            "/train_test.csv: a name must contain one of train, validation, test",
        ),
        (
            {"train.csv": "image,label,split\na,cat,test\n", "test.csv": ONE},
            "/train.csv, line 2: `split` must be train, as the name of its file says. Received: test",
        ),
        ({"photos.csv": "picture,kind\n"}, "/photos.csv: must have one column `image`. Received: picture, kind"),
    ],
)
def test_rejects_lists_that_are_not_clear(tmp_path: Path, files: dict[str, str], message: str) -> None:
    _write(tmp_path, files)
    with pytest.raises(UsageError) as error:
        loading.list_entries(str(tmp_path))
    assert str(error.value).startswith(f"{tmp_path}{message}")


def test_downloads_through_keras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real loading code, on a local copy in the folder where Keras keeps its downloads."""
    folder = tmp_path / "datasets" / "fashion-mnist"
    folder.mkdir(parents=True)
    for part, count in (("train", 20), ("t10k", 10)):
        for kind, array in (
            ("images-idx3", np.zeros((count, 28, 28))),
            ("labels-idx1", np.arange(count) % 10),
        ):
            write_idx(folder / "file", array)
            (folder / f"{part}-{kind}-ubyte.gz").write_bytes(gzip.compress((folder / "file").read_bytes()))
    monkeypatch.setattr(keras.src.utils.file_utils.config, "keras_home", lambda: str(tmp_path))
    loaded = data.load("fashion_mnist", 0.1, seed=0)
    assert loaded.form.shape == (28, 28, 1)
    assert (len(loaded.train), len(loaded.validation), len(loaded.test)) == (18, 2, 10)


@pytest.mark.parametrize("name", ["mnist", "cifar10", "cifar100"])
def test_colour_and_labels_in_columns(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    images, labels = np.zeros((20, 32, 32, 3), np.uint8), np.arange(20).reshape(-1, 1) % 4
    monkeypatch.setattr(getattr(keras.datasets, name), "load_data", lambda: ((images, labels), (images, labels)))
    loaded = data.load(name, 0.1, seed=0)
    assert loaded.form.shape == (32, 32, 3)
    assert loaded.test.targets.shape == (20,)
    assert loaded.classes == 4


def test_a_failed_download_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OSError("URL fetch failure\nlong story")

    monkeypatch.setattr(keras.datasets.mnist, "load_data", fail)
    with pytest.raises(UsageError) as error:
        data.load("mnist", 0.1, seed=0)
    assert str(error.value).startswith("`--data=mnist` could not be downloaded; digits needs no network.")
    assert "\n" not in str(error.value)


def test_the_home_folder_is_known_in_a_manifests_own_name_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    write_classes(tmp_path / "a[1]*?", {"cat": 2, "dog": 2})
    rows = [
        f"{path.parent.name}/{path.name},{path.parent.name}" for path in sorted((tmp_path / "a[1]*?").rglob("*.png"))
    ]
    (tmp_path / "a[1]*?" / "list [x].csv").write_text("\n".join(["image,label", *rows]))
    for name in ("~/a[1]*?", "~/a[1]*?/list [x].csv"):
        entries = loading.list_entries(name)
        assert [Path(entry.file).parent.parent for entry in entries] == [tmp_path / "a[1]*?"] * 4
    assert not (tmp_path / "~").exists()
