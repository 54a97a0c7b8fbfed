import math

import numpy as np
import pytest

from trainer.tensorboard.draw.scale import Scale, as_bytes, labels, number, ticks

OPEN = Scale("signal", -math.inf, math.inf)


@pytest.mark.parametrize(
    ("low", "high", "most", "expected"),
    [
        (0, 149, 4, [0, 50, 100]),
        (0, 149, 6, [0, 50, 100]),
        (-1.2, 2.1, 3, [0, 2]),
        (-1.2, 2.1, 4, [-1, 0, 1, 2]),
        (0, 0.99, 5, [0, 0.2, 0.4, 0.6, 0.8]),
        (1e6, 1e6 + 3, 4, [1000000, 1000001, 1000002, 1000003]),
        (0, 1e-9, 2, [0, 1e-9]),
        (-0.45, 0.45, 3, [-0.4, 0, 0.4]),
        (0, 499.5, 2, [0, 400]),
        (0.4, 0.6, 1, [0.5]),
        (3, 3, 4, []),
        (0, math.inf, 4, []),
        (math.nan, 1, 4, []),
    ],
)
def test_ticks_are_round_and_few(low: float, high: float, most: int, expected: list[float]) -> None:
    assert ticks(low, high, most) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_there_are_never_more_ticks_than_fit(seed: int) -> None:
    random = np.random.default_rng(seed)
    for _ in range(100):
        low = float(random.normal() * 10.0 ** random.integers(-6, 6))
        high, most = low + float(random.random() * 10.0 ** random.integers(-6, 6)) + 1e-9, int(random.integers(1, 9))
        found = ticks(low, high, most)
        slack = 1e-4 * (high - low) + 1e-5 * abs(low)
        assert len(found) <= most
        assert all(low - slack <= one <= high + slack for one in found)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.0, "0"), (-0.0, "0"), (-1.5, "-1.5"), (2e6, "2e6"), (1.25e-7, "1.25e-7"), (1e100, "1e100"), (1000, "1000")],
)
def test_numbers_are_short(value: float, expected: str) -> None:
    assert number(value) == expected


def test_labels_of_an_axis_differ() -> None:
    assert labels([0.0, 0.5, 1.0]) == ["0", "0.5", "1"]
    assert labels([101324.0, 101325.0, 101326.0]) == ["101324", "101325", "101326"]
    assert labels([]) == []


def test_bounds_are_black_and_white() -> None:
    assert Scale(low=-1, high=1).limits(np.array([5.0])) == (-1, 1)
    np.testing.assert_array_equal(as_bytes(np.array([-2, -1, 0, 1, 2]), (-1.0, 1.0)), [0, 0, 127.5, 255, 255])
    np.testing.assert_array_equal(as_bytes(np.array([7, 300, np.nan]), (0.0, 255.0)), [7, 255, 0])


def test_a_difference_that_is_drawn_as_such() -> None:
    assert Scale("signal", -math.inf, math.inf, (3.0, 0.5)).extent(1) == 0.5
    assert Scale("signal", -1.0, 1.0).extent(0) == pytest.approx(0.04)
    assert OPEN.extent(0) == 0


def test_without_bounds_one_wild_value_leaves_the_others_their_contrast() -> None:
    values = np.arange(1000.0)
    values[500] = 1e9
    assert OPEN.limits(values) == pytest.approx((10, 989), abs=2)
    assert OPEN.limits(np.arange(1_000_000.0)) == pytest.approx((10_000, 990_000), rel=0.01)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.full(9, np.nan), (0, 1)),
        (np.zeros(0), (0, 1)),
        (np.full(9, 3.0), (3, 3)),
        (np.array([0.0] * 999 + [7.0]), (0, 7)),
        (np.array([np.inf, -np.inf, 1, 1, 1]), (1, 1)),
    ],
)
def test_values_that_are_all_alike_or_none(values: np.ndarray, expected: tuple[float, float]) -> None:
    limits = OPEN.limits(values)
    assert limits == expected
    assert np.isfinite(as_bytes(values, limits)).all()
