import keras
import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, r2_score

from trainer.objectives import numbers
from trainer.objectives.numbers import R2, ScaledSquaredError

_RANDOM = np.random.default_rng(0)
TRUE = _RANDOM.normal([1e4, -0.01], [30, 0.002], (200, 2)).astype(np.float32)
PREDICTED = (TRUE + _RANDOM.normal(0, [10, 0.001], (200, 2))).astype(np.float32)


def _objective() -> numbers.Objective:
    return numbers.objective(["length", "phase"], TRUE)


def test_metrics_are_those_of_all_samples_though_they_are_summed_in_float32() -> None:
    mean, spread = TRUE.astype(np.float64).mean(0), TRUE.astype(np.float64).std(0)
    metric = R2(mean, spread)
    for first in range(0, 200, 64):
        metric.update_state(TRUE[first : first + 64], PREDICTED[first : first + 64])
    assert float(metric.result()) == pytest.approx(r2_score(TRUE, PREDICTED), abs=1e-4)


def test_the_result_has_each_number_in_its_own_unit() -> None:
    objective = _objective()
    metrics = [*objective.metrics(), *objective.results()]
    for metric in metrics:
        metric.update_state(TRUE, PREDICTED)
    found = {metric.name: np.asarray(metric.result()) for metric in metrics}
    assert objective.measured is not None
    measured = objective.measured(found, objective.meaning({}))
    errors = mean_absolute_error(TRUE, PREDICTED, multioutput="raw_values")
    assert [one["mean_absolute_error"] for one in measured.content["scores"]] == pytest.approx(errors, rel=1e-3)
    assert measured.content["r2"] == pytest.approx(r2_score(TRUE, PREDICTED), abs=1e-3)
    assert [row[0] for row in measured.rows] == ["length", "phase"]


def test_one_sample_or_equal_numbers_have_no_r2_but_a_finite_metric() -> None:
    metric = R2(np.zeros(1), np.ones(1))
    metric.update_state(np.zeros((3, 1), np.float32), np.ones((3, 1), np.float32))
    assert float(metric.result()) == 0


def test_the_network_gives_numbers_in_the_users_unit() -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, kernel_initializer="zeros")])
    finished = _objective().finished(model)
    given = finished(np.ones((1, 3), np.float32)).numpy()
    np.testing.assert_allclose(given, [TRUE.astype(np.float64).mean(0)], rtol=1e-5)
    again = keras.Model.from_config(finished.get_config())
    np.testing.assert_allclose(again(np.ones((1, 3), np.float32)).numpy(), given)


def test_the_loss_has_no_unit() -> None:
    spread = TRUE.std(0)
    loss = ScaledSquaredError(spread)
    assert float(loss(TRUE, PREDICTED)) == pytest.approx(np.mean(((TRUE - PREDICTED) / spread) ** 2), rel=1e-3)
    again = ScaledSquaredError.from_config(loss.get_config())
    assert float(again(TRUE, PREDICTED)) == pytest.approx(float(loss(TRUE, PREDICTED)))


def test_an_answer_is_the_numbers() -> None:
    outputs = numbers.Numbers(["length", "phase"])
    (answer,) = outputs.named(np.array([[2.5, -1.0]], np.float32))
    assert outputs.fields(answer, 1) == ["length\t2.5", "phase\t-1"]
    assert outputs.record(answer, 1) == {"numbers": {"length": 2.5, "phase": -1.0}}
    assert outputs.prediction(answer) == {"names": ["length", "phase"], "numbers": [2.5, -1.0]}
