import os
import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tests import forked
from trainer.layers import Dropout
from trainer.training.feed import Feed
from trainer.training.statistics import Statistics


def _model() -> keras.Model:
    keras.utils.set_random_seed(0)
    inner = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(5), keras.layers.BatchNormalization(momentum=0.999)], name="inner"
    )
    inputs = keras.Input((6,))
    dropped = Dropout(0.2, seed=1)(keras.layers.Dropout(0.2, seed=2)(inner(inputs)))
    return keras.Model(inputs, keras.layers.BatchNormalization(name="outer")(keras.layers.Dense(3)(dropped)))


def _batches() -> list[np.ndarray]:
    return list(np.random.default_rng(0).normal(2, 3, (4, 16, 6)).astype(np.float32))


def _settle(strategy: tf.distribute.Strategy, times: int = 1) -> keras.Model:
    with strategy.scope():
        model = _model()
        statistics = Statistics(model, model, strategy)
    samples = tf.data.Dataset.from_tensor_slices((np.concatenate(_batches()), np.zeros(64, np.int32)))
    rows = 16 // strategy.num_replicas_in_sync
    for _ in range(times):
        feed = strategy.distribute_datasets_from_function(lambda context: samples.batch(rows))
        statistics.settle(Feed(lambda context: samples, 4), iter(feed), 4)
    return model


def _inner(model: keras.Model) -> keras.layers.BatchNormalization:
    return model.get_layer("inner").layers[-1]


def test_the_statistics_are_the_mean_over_the_batches() -> None:
    model = _settle(tf.distribute.get_strategy())
    dense = model.get_layer("inner").layers[0]
    values = np.stack([dense(batch) for batch in _batches()])
    np.testing.assert_allclose(_inner(model).moving_mean, values.mean((0, 1)), rtol=1e-4)
    np.testing.assert_allclose(_inner(model).moving_variance, values.var(1).mean(0), rtol=1e-4)
    assert _inner(model).momentum == 0.999


def test_other_state_stays_and_it_does_not_matter_how_often() -> None:
    once, twice, new = _settle(tf.distribute.get_strategy()), _settle(tf.distribute.get_strategy(), 2), _model()
    for first, second in zip(once.variables, twice.variables, strict=True):
        np.testing.assert_array_equal(first, second)
    for first, second in zip(once.variables, new.variables, strict=True):
        assert "moving" in first.path or (first.numpy() == second.numpy()).all()


def test_frozen_statistics_are_left_alone() -> None:
    model = _model()
    _inner(model).trainable = False
    statistics = Statistics(model, model, tf.distribute.get_strategy())
    assert [layer.name for layer in statistics.layers] == ["outer"]


_TWO_DEVICES = """
import sys

import numpy as np

from tests.training.test_statistics import _settle
from trainer.training import devices

model = _settle(devices.choose("mirrored", None, None, 2))
np.savez(sys.argv[1], *[variable.numpy() for variable in model.variables])
"""


def test_devices_share_the_statistics_of_the_whole_batch(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _TWO_DEVICES, str(tmp_path / "two.npz")]
    forked.run(command, check=True, env={**os.environ, "PYTHONPATH": str(forked.ROOT)})
    one, two = _settle(tf.distribute.get_strategy()), np.load(tmp_path / "two.npz")
    dropped = [variable for variable in one.variables if "outer" in variable.path]  # each device has its own masks
    for variable, other in zip(one.variables, two.values(), strict=True):
        if all(variable is not one for one in dropped):
            np.testing.assert_allclose(other, variable, rtol=1e-4, atol=1e-5, err_msg=variable.path)
