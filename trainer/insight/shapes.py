"""The shapes of a model's inner values for samples of the size that it takes."""

import math
from collections.abc import Mapping
from typing import Any

import keras

from trainer.insight.graph import Graph
from trainer.insight.unfolded import Unfolded

_MOST_HELD = 2**26  # values in float32 that a gradient keeps of all samples at once

Shape = tuple[int | None, ...]


def shapes(model: keras.Model, graph: Graph) -> dict[int, Shape]:
    """Returns the shape of every value of a graph without the batch, by the value's number; a size not known is None.

    A nested model that takes samples of any size has None for sizes of its own symbolic tensors. Such a model is run
    once on symbolic tensors of the size that it is given here, for one sample.
    """
    found = dict(zip(graph.inputs, (_without_batch(tensor) for tensor in model.inputs), strict=True))
    for call in graph.calls:
        found.update(zip(call.outputs, map(_without_batch, call.node.outputs), strict=True))
    open_sizes = any(None in shape for shape in found.values())
    if not open_sizes or len(graph.inputs) != 1 or None in found[graph.inputs[0]]:
        return found
    (taken,) = model.inputs
    numbers = [value for value in found if value not in graph.inputs]
    network = Unfolded(model, graph, numbers)
    spec = keras.KerasTensor((1, *taken.shape[1:]), taken.dtype)
    try:
        given = network.compute_output_spec(spec, training=False)
    except Exception:  # of a layer that cannot be run so: what Keras knows is left
        return found
    return found | dict(zip(numbers, map(_without_batch, given), strict=True))


def values(inner: Mapping[int, Shape]) -> int:
    """Returns how many inner values one sample has, from what `shapes` gives; those of unknown sizes do not count."""
    return sum(math.prod(size for size in shape if size) for shape in inner.values() if None not in shape)


def held(inner: Mapping[int, Shape]) -> int:
    """Returns of how many samples the inner values, whose shapes `shapes` gives, fit in 256 MB; at least 1."""
    return max(1, _MOST_HELD // max(1, values(inner)))


def _without_batch(tensor: Any) -> Shape:
    return tuple(tensor.shape[1:])
