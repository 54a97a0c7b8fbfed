import numpy as np
import optuna
import pytest
from scipy import integrate, stats

from trainer.study.search import sampler
from trainer.study.search.sampler import GaussianProcessSampler, quasi_random, standardised
from trainer.study.search.space import Space
from trainer.study.spec import Parameter

SPACE = Space((Parameter(name="x", kind="double", low=0, high=1), Parameter(name="y", kind="double", low=0, high=1)))


def test_is_a_sampler_of_optunas() -> None:
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        study = optuna.create_study(sampler=GaussianProcessSampler(SPACE, seed=0))
        study.optimize(
            lambda trial: (trial.suggest_float("x", 0, 1) - 0.3) ** 2 + (trial.suggest_float("y", 0, 1) - 0.8) ** 2,
            n_trials=20,
        )
    finally:
        optuna.logging.set_verbosity(level)
    assert study.best_value < 1e-3


def test_quasi_random_points_fill_the_cube_evenly() -> None:
    points = quasi_random(range(64), 3, seed=4)
    assert points.shape == (64, 3)
    for column in points.T:
        assert np.histogram(column, 8, (0, 1))[0] == pytest.approx(8, abs=3)
    assert not np.allclose(points, quasi_random(range(64), 3, seed=5))
    assert np.allclose(points[10:], quasi_random(range(10, 64), 3, seed=4))


def test_results_worse_by_far_do_not_drown_the_others() -> None:
    scaled = standardised(np.array([0.9, 0.8, 0.7, -1e9]), failed=1)
    assert scaled.mean() == pytest.approx(0)
    assert scaled[0] - scaled[1] > 0.1
    assert scaled[3] == scaled[4] == scaled.min()


def test_equal_results_are_all_mean() -> None:
    assert np.array_equal(standardised(np.full(3, 0.5), failed=1), np.zeros(4))


@pytest.mark.parametrize("ahead", [-6.0, -1.5, -1.0, -0.5, 0.0, 2.0])
def test_gain_is_the_expected_improvement(ahead: float) -> None:
    expected = integrate.quad(lambda z: max(z, 0) * stats.norm.pdf(z, ahead, 1), 0, 12)[0]
    gain = sampler._log_gain(np.array([3 + 0.5 * ahead]), np.array([0.5]), 3.0)
    assert np.exp(gain[0]) == pytest.approx(0.5 * expected, rel=1e-5)


def test_gain_rises_where_it_is_too_small_for_a_number() -> None:
    gains = sampler._log_gain(-np.logspace(6, -3, 2000), np.ones(2000), 0.0)
    assert np.all(np.isfinite(gains))
    assert np.all(np.diff(gains) > 0)
