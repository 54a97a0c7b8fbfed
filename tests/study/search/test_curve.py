import numpy as np
import pytest

from trainer.study.search.curve import Curve, go_on, probability_to_exceed

EPOCHS = np.arange(1.0, 21.0)


def _curve(ceiling: float, pace: float, points: int = 20, noise: np.ndarray | float = 0.0) -> Curve:
    return Curve(EPOCHS[:points], (ceiling * (1 - np.exp(-pace * EPOCHS)) + noise)[:points])


def _study(random: np.random.Generator, count: int) -> list[Curve]:
    pairs = zip(random.uniform(0.5, 0.95, count), random.uniform(0.1, 0.8, count), strict=True)
    return [_curve(ceiling, pace, noise=random.normal(0, 0.005, 20)) for ceiling, pace in pairs]


def test_the_slope_is_that_of_the_last_points() -> None:
    curve = Curve(np.array([0.0, 1.0, 2.0, 4.0]), np.array([9.0, 1.0, 2.0, 4.0]))
    assert curve.last_slope(3) == pytest.approx(1)
    assert curve.last_slope(4) == pytest.approx(np.polyfit(curve.x, curve.y, 1)[0])
    assert curve.last_slope(1) == 0
    assert len(curve.until(2)) == 3


@pytest.mark.parametrize("points", [3, 8])
def test_what_is_said_to_have_a_chance_of_so_much_has_it(points: int) -> None:
    random, chances, outcomes = np.random.default_rng(0), [], []
    for _ in range(300):
        *others, own = _study(random, 12)
        results = [curve.y[-1] for curve in others]
        goal = float(random.choice(results))
        chances.append(probability_to_exceed(goal, own.until(points), others, results))
        outcomes.append(own.y[-1] > goal)
    found = np.array(outcomes)
    for low, high in ((0, 0.05), (0.05, 0.5), (0.5, 0.95), (0.95, 1.01)):
        chosen = (np.array(chances) >= low) & (np.array(chances) < high)
        assert chosen.sum() > 10
        assert low - 0.1 <= found[chosen].mean() <= high + 0.1


def test_is_the_same_in_another_unit_and_from_another_zero() -> None:
    *others, own = _study(np.random.default_rng(1), 8)
    results = [curve.y[-1] for curve in others]
    expected = probability_to_exceed(0.8, own.until(4), others, results)
    scaled = [Curve(60 * curve.x, 100 * curve.y - 7) for curve in [*others, own.until(4)]]
    found = probability_to_exceed(73, scaled[-1], scaled[:-1], [100 * result - 7 for result in results])
    assert found == pytest.approx(expected)
    assert 0 < expected < 1


def test_a_higher_goal_is_less_likely() -> None:
    *others, own = _study(np.random.default_rng(2), 8)
    results = [curve.y[-1] for curve in others]
    chances = [probability_to_exceed(goal, own.until(5), others, results) for goal in np.linspace(-1, 2, 30)]
    assert chances == sorted(chances, reverse=True)
    assert chances[0] > 0.99
    assert chances[-1] < 0.05


@pytest.mark.parametrize("count", [2, 5])
def test_curves_that_are_all_the_same_say_nothing_wrong(count: int) -> None:
    flat = Curve(EPOCHS, np.full(20, 0.1))
    assert probability_to_exceed(0.1, flat.until(3), [flat] * count, [0.1] * count) == 1
    same = [_curve(0.9, 0.3)] * count
    assert probability_to_exceed(0.5, same[0].until(3), same, [same[0].y[-1]] * count) > 0.99
    assert probability_to_exceed(1.5, same[0].until(3), same, [same[0].y[-1]] * count) < 0.01


@pytest.mark.parametrize("order", [1, 2])
def test_goes_on_as_an_autoregressive_series_does(order: int) -> None:
    def series(start: float, hint: float, points: int) -> Curve:
        values = [start, start / 2]
        while len(values) < points:
            values.append(0.1 + 0.8 * values[-1] - 0.1 * (order - 1) * values[-2] + 0.05 * hint)
        return Curve(np.arange(1.0, points + 1), np.array(values))

    others = [(series(start, hint, 10), hint) for start, hint in ((0.9, 0.0), (1.0, 1.0), (0.7, -1.0), (0.8, 0.3))]
    others = [(Curve(curve.x[1:], curve.y[1:]), hint) for curve, hint in others]
    own = series(0.8, 0.5, 10)
    assert go_on(own.until(4), 0.5, others, 10.0, order) == pytest.approx(own.y[-1])
    assert go_on(own.until(4), 0.5, others, 4.0, order) == own.y[3]


def test_a_series_that_would_grow_without_an_end_does_not() -> None:
    doubling = Curve(EPOCHS, 2.0**EPOCHS)
    assert go_on(doubling.until(5), 0.0, [(doubling, 0.0)], 1e9, 1) == 2.0**20


def test_nothing_is_said_where_no_curve_was_long_enough() -> None:
    short = _curve(0.9, 0.3, 5)
    assert go_on(short, 0.0, [(short, 0.0)], 20.0, 5) is None
    assert go_on(short, 0.0, [], 20.0, 5) is None
    assert go_on(short, 0.0, [(short, 0.0)], 20.0, 4) is not None
