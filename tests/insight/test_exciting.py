"""What excites filters: the patch is what the gradient says, and a planted pattern is found."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer.insight.exciting import Excitation, exciting, patch
from trainer.insight.opened import inside
from trainer.insight.receptive_field import views
from trainer.insight.shapes import shapes
from trainer.layers import Conv2D


def _network(kinds: list[Any], shape: tuple[int, ...]) -> keras.Model:
    value = inputs = keras.Input(shape)
    for make in kinds:
        value = make(value)
    outputs = keras.layers.Dense(2)(keras.layers.Flatten()(value))
    model = keras.Model(inputs, outputs)
    for weight in model.weights:
        weight.assign(np.random.default_rng(0).uniform(0.1, 1, weight.shape))
    return model


def _residual(value: Any) -> Any:
    deep = keras.layers.Conv2D(2, 3, padding="same")(keras.layers.Conv2D(2, 3, padding="same", name="inner")(value))
    return deep + keras.layers.Conv2D(2, 1)(value)


CASES: dict[str, tuple[list[Any], tuple[int, ...]]] = {
    "same_strided": ([keras.layers.Conv2D(2, 3, 2, "same"), keras.layers.Conv2D(2, 4, 3, "same")], (17, 20, 1)),
    "pooled": (
        [keras.layers.Conv2D(2, 3), keras.layers.MaxPool2D(2, 2, "same"), keras.layers.Conv2D(2, 3)],
        (19, 18, 1),
    ),
    "dilated": (
        [keras.layers.Conv2D(2, 3, dilation_rate=3, padding="same"), Conv2D(2, 3, padding=(2, 1))],
        (18, 15, 2),
    ),
    "causal": ([keras.layers.Conv1D(2, 3, padding="causal"), keras.layers.Conv1D(2, 4, 2, "causal")], (40, 3)),
    "zero_padding": (
        [keras.layers.ZeroPadding2D(((2, 1), (0, 3))), keras.layers.Cropping2D(1), keras.layers.Conv2D(2, 3)],
        (12, 12, 1),
    ),
    "residual": ([_residual], (14, 14, 1)),
    "volume": ([keras.layers.Conv3D(2, 3, 2, "same"), keras.layers.Conv3D(1, 3, 1, "same")], (9, 12, 10, 1)),
}


@pytest.mark.parametrize("case", CASES)
def test_the_window_is_where_the_gradient_is_not_zero(case: str) -> None:
    kinds, shape = CASES[case]
    model = _network(kinds, shape)
    graph = inside(model)
    found = views(graph, shapes(model, graph), False)
    for call in graph.convolutions:
        layer = keras.Model(model.inputs, call.node.outputs[0])
        sizes = layer.output_shape[1:-1]
        for place in {tuple(0 for _ in sizes), tuple(size // 2 for size in sizes), tuple(size - 1 for size in sizes)}:
            samples = tf.random.stateless_uniform((1, *shape), (0, 0))
            with tf.GradientTape() as tape:
                tape.watch(samples)
                value = layer(samples)[(0, *place, 0)]
            slopes = tape.gradient(value, samples)[0].numpy().any(-1)
            window = found[call.outputs[0]].window(place)
            assert window is not None
            for axis, (one, size) in enumerate(zip(window, shape[:-1], strict=True)):
                seen = np.flatnonzero(slopes.any(tuple(other for other in range(len(sizes)) if other != axis)))
                if "pool" in case:  # whose gradient is at one position of a window
                    assert one.start <= seen[0] and seen[-1] < one.stop
                else:
                    assert (max(0, one.start), min(size, one.stop)) == (seen[0], seen[-1] + 1)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_a_planted_pattern_is_what_excites_its_filter(rank: int) -> None:
    random = np.random.default_rng(0)
    pattern = random.normal(size=(3,) * rank)
    convolution = {1: keras.layers.Conv1D, 2: keras.layers.Conv2D, 3: keras.layers.Conv3D}[rank]
    inputs = keras.Input((9,) * rank + (1,))
    value = convolution(3, 3, padding="same", activation="relu", name="conv")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(value)))
    kernel = np.zeros((3,) * rank + (1, 3))
    kernel[..., 0, 1] = pattern  # the others are dead
    model.get_layer("conv").set_weights([kernel, np.zeros(3)])
    samples = random.normal(0, 0.1, size=(20, *(9,) * rank, 1))
    samples[7][tuple(slice(0, 2) for _ in range(rank))] += pattern[tuple(slice(1, 3) for _ in range(rank))][..., None]
    samples[4][tuple(slice(3, 6) for _ in range(rank))] += 2 * pattern[..., None]
    found = exciting(model, samples)["conv"]
    assert found.filters.tolist() == [1]
    assert found.samples[0, :2].tolist() == [4, 7]
    assert found.span == (3,) * rank
    np.testing.assert_allclose(found.patches[0, 0, ..., 0], 2 * pattern, atol=0.5)
    assert np.isnan(found.patches[0, 1][0]).all()  # padding
    assert (np.diff(found.values) <= 0).all()


def test_a_window_larger_than_the_sample_is_the_sample() -> None:
    sample = np.arange(12.0).reshape(3, 4, 1)
    cut, centre = patch(sample, (slice(-5, 2), slice(2, 5)))
    assert cut.shape == (3, 3, 1)
    assert centre == (0.0, 1.5)
    assert np.isnan(cut[:, 2]).all()


def test_a_dead_layer_and_one_without_a_known_receptive_field() -> None:
    inputs = keras.Input((6, 6, 1))
    value = keras.layers.Conv2D(2, 3, kernel_initializer="zeros", name="dead")(inputs)
    value = keras.layers.Conv2DTranspose(2, 2, name="up")(value)
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(value)))
    found = Excitation(model).find(np.ones((5, 6, 6, 1)))
    assert set(found) == {"dead"}
    assert len(found["dead"].filters) == 0
    with pytest.raises(ValueError, match="`names` must be convolutions"):
        exciting(model, np.ones((5, 6, 6, 1)), ["up"])
