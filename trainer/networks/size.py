"""What a network will be before it has a weight: shapes and parameters, by integers alone.

The layers are the network's own, not yet built, so that the network is described once.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import keras

Shape = tuple[int, ...]


def shapes(layers: Iterable[keras.layers.Layer], shape: Shape) -> Iterator[tuple[keras.layers.Layer, Shape, Shape]]:
    """Yields each layer with the shapes of what it takes and gives, `(*sizes, channels)` or `(units,)`.

    Args:
      layers: in their order, each taking what the one before gives.
      shape: of one sample.

    Raises:
      ValueError: a layer leaves nothing of a map.
    """
    for layer in layers:
        given = tuple(layer.compute_output_shape((1, *shape)))[1:]
        if not all(given):
            raise ValueError(f"`{layer.name}` must leave every map at least one position. Received: {shape}")
        yield layer, shape, given
        shape = given


def parameters(layers: Iterable[keras.layers.Layer], shape: Shape) -> int:
    """Returns how many weights the layers will have.

    Raises:
      ValueError: a layer leaves nothing of a map.
    """
    return sum(_parameters(layer, taken) for layer, taken, _ in shapes(layers, shape))


def _parameters(layer: Any, shape: Shape) -> int:
    if isinstance(layer, keras.layers.Dense):
        return int((shape[-1] + layer.use_bias) * layer.units)
    if isinstance(layer, keras.layers.BatchNormalization):
        return int((layer.scale + layer.center + 2) * shape[layer.axis])  # with the moving mean and variance
    return int(layer.parameters((1, *shape))) if hasattr(layer, "parameters") else 0
