from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer.layers import Dropout


def _call(layer: Dropout, shape: tuple[int, ...] = (64, 5, 7)) -> np.ndarray:
    return layer(tf.ones(shape), training=True).numpy()


def test_drops_its_share_and_scales_the_rest() -> None:
    dropped = _call(Dropout(0.25), (200, 100))
    assert np.isin(dropped, (0, np.float32(1 / 0.75))).all()
    assert np.mean(dropped == 0) == pytest.approx(0.25, abs=0.02)
    assert dropped.mean() == pytest.approx(1, abs=0.03)


def test_drops_whole_maps() -> None:
    dropped = _call(Dropout(0.5, whole_maps=True), (8, 3, 4, 16))
    assert (dropped == dropped[:, :1, :1]).all()
    assert 0.3 < np.mean(dropped[:, 0, 0] == 0) < 0.7


@pytest.mark.parametrize("values", [{"rate": 0.0}, {"rate": 0.9, "training": False}])
def test_leaves_everything_when_it_should(values: dict[str, Any]) -> None:
    inputs = tf.ones((4, 5))
    np.testing.assert_array_equal(Dropout(values["rate"])(inputs, training=values.get("training", True)), inputs)


def test_follows_from_seed_and_step_alone() -> None:
    first, again, other = Dropout(0.5, seed=1), Dropout(0.5, seed=1), Dropout(0.5, seed=2)
    masks = [_call(first) for _ in range(3)]
    assert not np.array_equal(masks[0], masks[1])
    assert not np.array_equal(masks[0], _call(other))
    again.build((64, 5, 7))
    again.set_weights([np.array(2)])
    np.testing.assert_array_equal(_call(again), masks[2])


def test_the_gradient_goes_where_the_values_went() -> None:
    layer, inputs = Dropout(0.5), tf.ones((30, 20))
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = layer(inputs, training=True)
    np.testing.assert_array_equal(tape.gradient(outputs, inputs), outputs)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16", "float64"])
def test_keeps_the_type(policy: str) -> None:
    layer = Dropout(0.5, dtype=policy)
    assert layer(tf.ones((4, 5), layer.compute_dtype), training=True).dtype == layer.compute_dtype


def test_is_saved_and_loaded(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((5, 7)), Dropout(0.5, whole_maps=True, seed=3, name="dropout")])
    model(tf.ones((2, 5, 7)), training=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    inputs = tf.ones((2, 5, 7))
    np.testing.assert_array_equal(loaded(inputs, training=True), model(inputs, training=True))
    assert loaded.get_layer("dropout").get_config() == model.get_layer("dropout").get_config()


@pytest.mark.parametrize("rate", [-0.1, 1.0, 2])
def test_rejects_a_rate_out_of_range(rate: float) -> None:
    with pytest.raises(ValueError, match=f"`rate` must be at least 0 and below 1. Received: rate={rate}"):
        Dropout(rate)
