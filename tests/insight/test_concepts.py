import numpy as np
import pytest

from trainer.insight.concepts import concepts


@pytest.mark.parametrize("sizes", [(40,), (9, 8), (5, 4, 6)])
def test_maps_that_are_a_sum_of_concepts_are_taken_apart(sizes: tuple[int, ...]) -> None:
    random = np.random.default_rng(0)
    directions = np.zeros((3, 12))
    for index in range(3):
        directions[index, 4 * index : 4 * index + 4] = random.uniform(0.5, 1, 4)
    amounts = random.exponential(size=(6, *sizes, 3)) * (random.random((6, *sizes, 3)) < 0.4)
    found = concepts(amounts @ directions, 3)
    assert found.explained > 0.99
    assert found.maps.shape == (6, *sizes, 3)
    assert (found.maps.min(), found.maps.max()) == (pytest.approx(0, abs=1e-3), pytest.approx(1, abs=1e-3))
    flat, true = found.maps.reshape(-1, 3), amounts.reshape(-1, 3)
    correlations = np.corrcoef(flat.T, true.T)[:3, 3:]
    assert sorted(correlations.argmax(1).tolist()) == [0, 1, 2]
    assert correlations.max(1).min() > 0.98
    assert found.over(tuple(2 * size for size in sizes)).shape == (6, *(2 * size for size in sizes), 3)


def test_equal_maps_give_equal_concepts_and_more_concepts_explain_more() -> None:
    maps = np.random.default_rng(0).normal(size=(4, 7, 7, 16))
    first, again = concepts(maps), concepts(maps)
    np.testing.assert_array_equal(first.maps, again.maps)
    assert concepts(maps, 1).explained < first.explained < concepts(maps, 8).explained
    assert concepts(np.zeros((2, 3, 3, 5))).maps.max() < 1.01


@pytest.mark.parametrize("count", [0, 17])
def test_rejects_a_number_of_concepts(count: int) -> None:
    with pytest.raises(ValueError, match=f"`count` must be from 1 to 16. Received: count={count}"):
        concepts(np.ones((2, 3, 16)), count)
