import math

import keras
import pytest

from trainer.layers import Conv1D, Conv2D
from trainer.networks import size


def _stack() -> list[keras.layers.Layer]:
    return [
        Conv2D(4, 3, strides=2, padding="same", groups=2, use_bias=False),
        keras.layers.MaxPooling2D(2),
        keras.layers.Flatten(),
        keras.layers.Dense(5),
        keras.layers.Dense(3, use_bias=False),
    ]


def test_counts_what_keras_builds() -> None:
    layers = _stack()
    shapes = [given for *_, given in size.shapes(layers, (13, 9, 2))]
    parameters = size.parameters(layers, (13, 9, 2))
    model = keras.Sequential([keras.Input((13, 9, 2)), *layers])
    assert shapes == [layer.output.shape[1:] for layer in layers]
    assert parameters == model.count_params() == sum(math.prod(weight.shape) for weight in model.weights)


def test_needs_no_memory() -> None:
    assert size.parameters([keras.layers.Flatten(), keras.layers.Dense(10**9)], (10**4,)) == (10**4 + 1) * 10**9


@pytest.mark.parametrize("layer", [keras.layers.MaxPooling1D(4), Conv1D(2, 5, padding="valid")])
def test_rejects_a_map_without_a_position(layer: keras.layers.Layer) -> None:
    with pytest.raises(ValueError, match="Received"):
        size.parameters([layer], (3, 1))
