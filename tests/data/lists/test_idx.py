import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import write_idx
from trainer.data.lists import idx
from trainer.errors import UsageError

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def test_reads_a_folder(idx_folder: Path) -> None:
    (images, labels), (test_images, test_labels) = idx.read_folder(idx_folder)
    assert images.shape == (30, 12, 10)
    assert labels.tolist() == [0, 1, 2] * 10
    assert test_images.shape == (10, 12, 10)
    assert len(test_labels) == 10


def test_compressed_and_plain_files_are_the_same(idx_folder: Path) -> None:
    plain = idx.read_folder(idx_folder)[0][0]
    path = idx_folder / IMAGES
    path.with_name(IMAGES + ".gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    np.testing.assert_array_equal(idx.read_folder(idx_folder)[0][0], plain)


def test_files_may_be_called_with_a_dot(idx_folder: Path) -> None:
    plain = idx.read_folder(idx_folder)
    for path in sorted(idx_folder.iterdir()):
        path.rename(path.with_name(path.name.replace("-idx", ".idx")))
    assert idx.is_one(idx_folder)
    np.testing.assert_array_equal(idx.read_folder(idx_folder)[0][0], plain[0][0])


def test_reads_real_digits(mnist: Path) -> None:
    (images, labels), (test_images, _) = idx.read_folder(mnist)
    assert images.shape == (7000, 28, 28)
    assert test_images.shape == (1500, 28, 28)
    assert set(labels.tolist()) == set(range(10))


def _edit(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(change((folder / name).read_bytes()))  # type: ignore[func-returns-value]


def _compressed_badly(folder: Path) -> None:
    content = gzip.compress((folder / IMAGES).read_bytes())
    (folder / IMAGES).unlink()
    (folder / f"{IMAGES}.gz").write_bytes(content[: len(content) // 2])


def _not_compressed(folder: Path) -> None:
    (folder / IMAGES).rename(folder / f"{IMAGES}.gz")


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda folder: (folder / IMAGES).unlink(), f"a folder of IDX files must contain {IMAGES} or {IMAGES}.gz"),
        (_edit(IMAGES, lambda content: content[:-1]), "must contain the 3,600 bytes of 30x12x10 after its header. Rec"),
        (_edit(IMAGES, lambda content: content + b"\0"), "Received: 3,601"),
        (_edit(IMAGES, lambda content: content[:9]), "must have a header of 16 bytes. Received: 9 bytes"),
        (_edit(IMAGES, lambda content: b""), "Received: an empty file"),
        (_edit(IMAGES, lambda content: b"\x89PNG" + content[4:]), "must begin with 00000803. Received: 89504e47"),
        (_edit(LABELS, lambda content: b"\0\0\x08\x03" + content[4:]), "must begin with 00000801. Received: 00000803"),
        (_edit(IMAGES, lambda content: content[:4] + bytes(12)), "no axis may be empty. Received: 0x0x0"),
        (lambda folder: write_idx(folder / LABELS, np.arange(29) % 3), "one label for each of the 30 images"),
        (lambda folder: write_idx(folder / LABELS, np.arange(30) % 3 * 2), "consecutive numbers from 0. Received: 2"),
        (lambda folder: write_idx(folder / LABELS, np.r_[np.arange(29) % 3, 200]), "Received: 200 without 199"),
        (
            lambda folder: write_idx(folder / "t10k-labels-idx1-ubyte", np.arange(10)),
            "t10k-labels-idx1-ubyte: a label must be from 0 to 2, as in training. Received: 9",
        ),
        (
            lambda folder: write_idx(folder / "t10k-images-idx3-ubyte", np.zeros((10, 12, 11))),
            "t10k-images-idx3-ubyte: test images must have the training images' size, 12x10. Received: 12x11",
        ),
        (_compressed_badly, f"{IMAGES}.gz: must be a readable IDX file. Received: "),
        (_not_compressed, f"{IMAGES}.gz: must be a readable IDX file. Received: Not a gzipped file"),
    ],
)
def test_rejects_broken_files(idx_folder: Path, break_it: Callable[[Path], None], message: str) -> None:
    break_it(idx_folder)
    with pytest.raises(UsageError) as error:
        idx.read_folder(idx_folder)
    assert str(error.value).startswith(str(idx_folder))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_rejects_an_empty_axis(tmp_path: Path) -> None:
    write_idx(tmp_path / "images", np.zeros((0, 28, 28)))
    with pytest.raises(UsageError, match="no axis may be empty. Received: 0x28x28"):
        idx.read(tmp_path / "images", 3)
