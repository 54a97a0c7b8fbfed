"""The shapes and the number of parameters of a network, computed before it has weights.

The input is the network's own layers before they are built, so the network is defined only once.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import keras

Shape = tuple[int, ...]


def shapes(layers: Iterable[keras.layers.Layer], shape: Shape) -> Iterator[tuple[keras.layers.Layer, Shape, Shape]]:
    """Yields each layer with its input and output shapes, `(*sizes, channels)` or `(units,)`.

    Args:
      layers: the layers in order; each receives the output of the previous one.
      shape: the shape of one sample.

    Raises:
      ValueError: a layer makes a map empty.
    """
    for layer in layers:
        given = tuple(layer.compute_output_shape((1, *shape)))[1:]
        if not all(given):
            raise ValueError(f"`{layer.name}` must leave every map at least one position. Received: {shape}")
        yield layer, shape, given
        shape = given


def parameters(layers: Iterable[keras.layers.Layer], shape: Shape) -> int:
    """Returns the number of weights of the layers.

    Raises:
      ValueError: a layer makes a map empty.
    """
    return sum(_parameters(layer, taken) for layer, taken, _ in shapes(layers, shape))


def _parameters(layer: Any, shape: Shape) -> int:
    if isinstance(layer, keras.layers.Dense):
        return int((shape[-1] + layer.use_bias) * layer.units)
    if isinstance(layer, keras.layers.BatchNormalization):
        return int((layer.scale + layer.center + 2) * shape[layer.axis])  # with the moving mean and variance
    return int(layer.parameters((1, *shape))) if hasattr(layer, "parameters") else 0
