import keras
import numpy as np
import pytest

from trainer.training import rates
from trainer.training.rates import Cycles, UntilCooled


def _values(schedule: keras.optimizers.schedules.LearningRateSchedule, steps: int) -> np.ndarray:
    return np.array([float(schedule(np.int64(step))) for step in range(steps)])


def test_a_new_cycle_starts_at_its_own_rate_and_leaves_the_former_one_alone() -> None:
    found = _values(Cycles(0.8, 0.4, [10, 14, 20]), 21)
    np.testing.assert_array_equal(found[:10], _values(rates.cosine(0.8, 10), 10))
    np.testing.assert_allclose(found[[2, 10, 12, 14, 17, 20]], [0.8, 0.4, 0.2, 0.4, 0.2, 0.0], atol=1e-7)


def test_the_rate_stays_until_it_is_cooled() -> None:
    schedule = UntilCooled(0.8, 4, 10)
    np.testing.assert_allclose(_values(schedule, 8), 0.8 * np.array([0, 0.25, 0.5, 0.75, 1, 1, 1, 1]), rtol=1e-6)
    schedule.cool(8)
    np.testing.assert_allclose(_values(schedule, 20)[7:], 0.8 * np.array([1, *np.linspace(1, 0, 11), 0]), atol=1e-7)


@pytest.mark.parametrize("schedule", [Cycles(0.8, 0.4, [10, 14]), UntilCooled(0.8, 4, 10, 8)])
def test_is_saved_and_loaded(schedule: keras.optimizers.schedules.LearningRateSchedule) -> None:
    loaded = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(schedule))
    np.testing.assert_array_equal(_values(loaded, 20), _values(schedule, 20))
