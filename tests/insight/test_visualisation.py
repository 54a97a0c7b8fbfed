import itertools

import keras
import numpy as np
import pytest

from trainer.insight.visualisation import Target, correlation, visualised


def _model(rank: int, channels: int = 1) -> keras.Model:
    convolution = {1: keras.layers.Conv1D, 2: keras.layers.Conv2D, 3: keras.layers.Conv3D}[rank]
    inputs = keras.Input((12,) * rank + (channels,))
    value = convolution(2, 3, padding="valid", name="conv")(keras.layers.Rescaling(1 / 255)(inputs))
    value = keras.layers.Flatten()(keras.layers.ReLU()(value))
    model = keras.Model(inputs, keras.layers.Dense(3)(value))
    edge = np.zeros((3,) * rank + (channels, 2), np.float32)
    edge[0, ..., 0], edge[2, ..., 0] = -1, 1  # rises along the first axis; falls
    edge[..., 1] = -edge[..., 0]
    model.get_layer("conv").set_weights([edge, np.zeros(2)])
    return model


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_an_edge_is_what_excites_a_detector_of_edges(rank: int) -> None:
    made = visualised(_model(rank), [Target(0, "conv"), Target(1, "conv")], steps=25)
    rises, falls = (np.diff(one.mean(tuple(range(1, rank + 1)))).sum() for one in made.inputs)
    assert rises > 60
    assert falls < -60
    assert made.steps == 25
    assert made.inputs.shape == (2, *(12,) * rank, 1)
    assert (made.inputs >= 0).all()
    assert (made.inputs <= 255).all()


def test_more_steps_excite_more_and_equal_ones_are_equal() -> None:
    model = _model(2, 3)
    targets = [Target(0), Target(2), Target(1, "conv")]
    few, many, again = (visualised(model, targets, steps=steps, seed=3) for steps in (1, 20, 20))
    assert (many.values > few.values).all()
    np.testing.assert_array_equal(many.inputs, again.inputs)


def test_no_step_begins_after_the_time_is_over() -> None:
    ticks = itertools.count()
    made = visualised(_model(1), [Target(0)], steps=50, seconds=4.0, clock=lambda: float(next(ticks)))
    assert made.steps == 3


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (Target(0, "dense"), "`targets` must be filters of conv, or classes"),
        (Target(2, "conv"), "unit must be from 0 to 1"),
        (Target(3), "unit must be from 0 to 2"),
    ],
)
def test_rejects_a_target(target: Target, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        visualised(_model(1), [target])


def test_correlated_channels_are_mixed_as_the_samples_have_them() -> None:
    grey = np.random.default_rng(0).normal(size=(50, 4, 4, 1))
    mixing = correlation(np.repeat(grey, 3, -1))
    np.testing.assert_allclose(mixing @ mixing, np.ones((3, 3)), atol=1e-6)
