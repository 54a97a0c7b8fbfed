import numpy as np
import pytest

from trainer import data
from trainer.data import likeness
from trainer.data.kinds.coarse import Vectors, coarse


def _vectors(count: int, seed: int = 0) -> Vectors:
    return coarse(np.random.default_rng(seed).normal(size=(count, 16, 16, 1)))


def test_finds_copies_in_later_parts_and_their_nearest_original() -> None:
    vectors = _vectors(60)
    random = np.random.default_rng(1)
    for copy, original in ((45, 3), (50, 45), (55, 4), (20, 19)):  # the last in one part
        vectors[copy] = vectors[original] + random.normal(0, 1e-3, 256)
    parts = np.repeat([0, 1, 2], [40, 10, 10])
    found = likeness.pairs(vectors, parts, np.arange(60) % 3)
    assert [pair for pair in found if pair[0] != 50] == [(45, 3), (55, 4)]
    assert next(pair for pair in found if pair[0] == 50)[1] in (3, 45)
    assert likeness.count_pairs(parts) == 10 * 40 + 10 * 50


def test_what_is_like_all_others_is_no_duplicate() -> None:
    """Series of a slow process are all alike; what counts is the distance between classes."""
    base = _vectors(1)
    vectors = base + 0.002 * _vectors(90, 2)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert likeness.pairs(vectors, np.repeat([0, 1, 2], 30), np.arange(90) % 2) == []


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_samples_have_no_duplicates(count: int) -> None:
    parts = np.arange(count)
    assert likeness.pairs(_vectors(count), parts, np.zeros(count, np.int64)) == []


def test_short_signals_are_not_compared() -> None:
    vectors = coarse(np.ones((9, 5, 1)) * np.arange(5)[:, np.newaxis])
    assert likeness.pairs(vectors, np.arange(9) % 3, np.arange(9) % 2) == []


def test_handwritten_digits_raise_no_false_alarm() -> None:
    digits = data.load("digits", 0.1, 0)
    stores = (digits.train, digits.validation)
    vectors = np.concatenate([coarse(store.preview()[0]) for store in stores])
    parts = np.repeat([0, 1], [len(store) for store in stores])
    classes = np.concatenate([store.targets for store in stores])
    assert likeness.pairs(vectors, parts, classes) == []
    noisy = np.clip(digits.train.preview()[0][:5] + np.random.default_rng(0).normal(0, 5, (5, 28, 28, 1)), 0, 255)
    vectors[-5:] = coarse(noisy)
    assert likeness.pairs(vectors, parts, classes) == [(len(vectors) - 5 + index, index) for index in range(5)]
