import numpy as np
import pytest

from trainer.data.kinds.coarse import coarse
from trainer.data.suspects import duplicates


def _images(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 16, 16, 1)).astype(np.uint8)


def test_finds_copies_in_one_part_and_across_parts() -> None:
    images = _images(60)
    images[20] = images[3]  # across parts: the one to train on is listed
    images[5] = images[4]
    images[7, 0, 0, 0] ^= 3  # almost
    images[6] = images[7]
    images[6, 8, 8, 0] ^= 3
    parts, classes = np.repeat([0, 1, 2], 20), np.arange(60) % 3
    found = duplicates.find(coarse(images), parts, classes)
    assert {(one.index, one.original) for one in found} == {(3, 20), (5, 4), (7, 6)}
    assert [one.distance for one in found][:2] == [0, 0]
    assert 0 < found[2].distance < 0.1
    assert sorted(duplicates.groups(found)) == [[4, 5], [6, 7], [20, 3]]


def test_many_copies_of_one_sample_are_one_group() -> None:
    images = _images(300)
    images[100:200] = images[0]
    found = duplicates.find(coarse(images), np.zeros(300, np.int64), np.arange(300) % 2)
    assert len(found) == 100
    assert duplicates.groups(found) == [[0, *range(100, 200)]]


@pytest.mark.parametrize("block", [2**10, 2**14, 2**24])
def test_blocks_do_not_matter(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.concatenate([_images(90), _images(30)])
    parts, classes = np.arange(120) % 3, np.arange(120) % 5
    whole = duplicates.find(coarse(images), parts, classes)
    monkeypatch.setattr(duplicates, "_BLOCK", block)
    assert duplicates.find(coarse(images), parts, classes) == whole
    assert len(whole) == 30


def test_samples_of_a_few_values_are_not_compared() -> None:
    assert duplicates.find(np.ones((9, 4), np.float32), np.zeros(9, np.int64), np.zeros(9, np.int64)) == []
