import numpy as np
from scipy import stats
from sklearn.gaussian_process import GaussianProcessRegressor, kernels

from trainer.study.search import gaussian_process
from trainer.study.search.gaussian_process import features, posteriors
from trainer.study.search.space import Space
from trainer.study.spec import Parameter

DILATION = Parameter(name="dilation_rate", kind="integer", low=1, high=3)
SPACE = Space(
    (
        Parameter(name="filters", kind="discrete", values=(8.0, 16.0, 32.0)),
        Parameter(name="padding", kind="categorical", values=("a", "b", "c"), children=((("a",), DILATION),)),
    )
)


def _known(count: int) -> tuple[np.ndarray, np.ndarray]:
    rows = np.random.default_rng(1).random((count, 2))
    results = np.sin(5 * rows[:, 0])
    return rows, (results - results.mean()) / results.std()


def test_features() -> None:
    points = np.array([[0.1, 0.1, 0.5], [0.5, 0.5, 0.5], [0.9, 0.9, 0.1]])
    rows, lengths = features(SPACE, points)
    half = np.sqrt(0.5)
    expected = [[0, half, 0, 0, 0.5, 1], [0.5, 0, half, 0, 0.5, 0], [1, 0, 0, half, 0.5, 0]]
    assert np.allclose(rows, expected)
    assert lengths.tolist() == [0, 1, 1, 1, 2, 3]


def test_predicts_as_another_implementation_does() -> None:
    rows, results = _known(12)
    wanted = np.random.default_rng(2).random((30, 2))
    for model in posteriors(rows, results, np.zeros((0, 2)), np.array([0, 1]), np.random.default_rng(0)):
        length, variance, noise = np.exp(model.settings[:2]), np.exp(model.settings[2]), np.exp(model.settings[3])
        kernel = kernels.ConstantKernel(variance) * kernels.Matern(length, nu=2.5)
        other = GaussianProcessRegressor(kernel, alpha=noise + 1e-8, optimizer=None).fit(rows, results - model.mean)
        expected, deviations = other.predict(wanted, return_std=True)
        mine = model.predict(wanted)
        assert np.allclose(mine[0], expected + model.mean, atol=1e-6)
        assert np.allclose(mine[1], deviations, atol=1e-4)


def test_learns_which_feature_matters() -> None:
    rows, results = _known(25)
    draws = posteriors(rows, results, np.zeros((0, 2)), np.array([0, 1]), np.random.default_rng(0))
    lengths = np.median([draw.settings[:2] for draw in draws], axis=0)
    assert lengths[0] + 0.7 < lengths[1]


def test_what_is_running_takes_away_doubt_alone() -> None:
    rows, results = _known(12)
    pending = np.array([[3.0, 3.0]])
    without = posteriors(rows, results, pending[:0], np.array([0, 1]), np.random.default_rng(0))[0]
    beside = posteriors(rows, results, pending, np.array([0, 1]), np.random.default_rng(0))[0]
    assert np.allclose(without.predict(pending)[0], beside.predict(pending)[0])
    assert beside.predict(pending)[1] < 0.5 * without.predict(pending)[1]


def test_equal_rows_and_equal_results_are_no_matter() -> None:
    rows = np.full((5, 2), 0.5)
    for model in posteriors(rows, np.zeros(5), rows[:1], np.array([0, 1]), np.random.default_rng(0)):
        expected, deviations = model.predict(np.array([[0.5, 0.5], [0.0, 1.0]]))
        assert np.allclose(expected, 0, atol=1e-6)
        assert deviations[0] < deviations[1]


def test_slices_are_draws_from_the_density() -> None:
    centre, deviations, random = np.array([1.0, -2.0]), np.array([0.5, 2.0]), np.random.default_rng(0)

    def density(settings: np.ndarray) -> float:
        return -0.5 * float(np.sum(((settings - centre) / deviations) ** 2))

    draws = [gaussian_process._slices(density, centre, deviations, random)[-1] for _ in range(300)]
    for index in range(2):
        scaled = [(draw[index] - centre[index]) / deviations[index] for draw in draws]
        assert stats.kstest(scaled, "norm").pvalue > 1e-3
