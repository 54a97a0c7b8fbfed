import gzip
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.conftest import write_idx
from tests.data.making import write_classes
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


def test_no_training_image_is_held_out_too(idx_folder: Path) -> None:
    loaded = data.load(str(idx_folder), 0.2, seed=0)
    both = np.concatenate([loaded.train.samples, loaded.validation.samples]).reshape(30, -1)
    assert len(np.unique(both, axis=0)) == 30
    assert len(loaded.validation) == 6


def test_rejects_a_split_without_images(idx_folder: Path) -> None:
    with pytest.raises(UsageError, match="`--validation_split` must leave an image on each side of 30"):
        data.load(str(idx_folder), 0.01, seed=0)


@pytest.mark.parametrize("name", ["no-such-folder", "", "setup.py"])
def test_rejects_what_is_neither_a_name_nor_a_folder(name: str) -> None:
    with pytest.raises(UsageError, match="^`--data` must be one of digits, mnist, .*, or a folder. Received: "):
        data.load(name, 0.1, seed=0)


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
