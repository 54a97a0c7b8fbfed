import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from trainer.data.lists import stratified

Labels = npt.NDArray[np.int64]


def _labels(sizes: list[int]) -> Labels:
    return np.random.default_rng(7).permutation(np.repeat(np.arange(len(sizes)), sizes))


@settings(deadline=None, max_examples=300, derandomize=True)
@given(st.lists(st.integers(0, 80), min_size=1, max_size=12), st.floats(0.02, 0.9), st.integers(0, 5))
@example([1, 6], 0.5, 0)  # the one that a class of one sample keeps is given by the other class
def test_each_class_gives_its_share_and_keeps_a_sample(sizes: list[int], share: float, seed: int) -> None:
    labels = _labels(sizes)
    if not len(labels):
        return
    found = stratified.split(labels, share, seed)
    assert sorted([*found.held_out, *found.kept]) == list(range(len(labels)))
    given_by = np.bincount(labels[found.held_out], minlength=len(sizes))
    for size, count in zip(sizes, given_by, strict=True):
        assert count < size or count == size == 0
        if not found.is_by_chance:
            assert abs(count - min(size * share, size - 1)) <= 1 or size == 0
        if size * share >= 0.5 and size > 1:
            assert count >= 1


@pytest.mark.parametrize("seed", range(20))
def test_what_chance_makes_fair_enough_stays(seed: int) -> None:
    labels = _labels([700] * 10)
    found = stratified.split(labels, 0.1, seed)
    np.testing.assert_array_equal(found.held_out, np.random.default_rng(seed).permutation(7000)[:700])
    assert found.is_by_chance


def test_another_seed_chooses_others_and_the_same_the_same() -> None:
    labels = _labels([9, 30, 4])
    first, again, other = (stratified.split(labels, 0.2, seed).held_out for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert {*first} != {*other}
    assert np.bincount(labels[first]).tolist() == np.bincount(labels[other]).tolist() == [2, 6, 1]


@pytest.mark.parametrize(
    ("sizes", "share", "expected"),
    [
        ([3, 3, 3], 0.1, [0, 0, 0]),  # one is chosen below
        ([10, 10, 10], 0.1, [1, 1, 1]),
        ([8, 8, 8, 8], 0.1, [1, 1, 1, 1]),  # 3.2 of 32, but each class can spare one
        ([1, 40], 0.1, [0, 4]),
        ([2, 2], 0.5, [1, 1]),
        ([1, 1], 0.5, [0, 0]),
        ([50, 5], 0.1, [5, 1]),
        ([20, 3], 0.95, [19, 2]),
    ],
)
def test_small_classes(sizes: list[int], share: float, expected: list[int]) -> None:
    for seed in range(10):
        labels = _labels(sizes)
        found = np.bincount(labels[stratified.split(labels, share, seed).held_out], minlength=len(sizes))
        if sizes == [3, 3, 3]:
            assert sorted(found) == [0, 0, 1]
        else:
            assert found.tolist() == expected, seed
