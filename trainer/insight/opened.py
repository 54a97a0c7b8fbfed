"""The layers inside custom layers: a subclassed model, or a block, as the calls that its `call` makes.

`call` is run once on symbolic tensors, as Keras does when it builds a functional model. It stays one call if it
computes with anything but layers and `keras.ops`, or with a weight alone, which would be read once and become stale.
"""

import inspect
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras

from trainer.insight.graph import Call, Graph, calls_between, is_convolution, uniquely_named, walk


def inside(model: keras.Model, outputs: Sequence[keras.KerasTensor] | None = None) -> Graph:
    """Returns the graph of a model as `walk` does, with custom layers expanded where possible.

    Args:
      model: a Sequential or functional model.
      outputs: which of the model's outputs count; by default all.

    Raises:
      ValueError: the model is not a graph of layers, or not built.
    """
    graph = walk(model, outputs)
    fresh = itertools.count(1 + max((*graph.inputs, *(value for call in graph.calls for value in call.outputs))))
    same: dict[int, int] = {}
    calls = tuple(uniquely_named([*_entered(graph.calls, same, fresh)]))
    return Graph(calls, graph.inputs, tuple(same.get(value, value) for value in graph.outputs))


def closed(graph: Graph) -> list[Call]:
    """Returns the calls of layers that hold layers which the graph does not show."""
    return [call for call in graph.calls if _is_own(call.layer)]


def hidden_convolutions(graph: Graph) -> dict[str, Any]:
    """Returns the convolutions within `closed` layers by their names, as in `block/conv1`."""
    found: dict[str, Any] = {}
    for call in closed(graph):
        for layer in call.layer._flatten_layers(include_self=False):
            if is_convolution(layer) and all(layer is not other for other in found.values()):
                path = layer.kernel.path if hasattr(layer, "kernel") else layer.depthwise_kernel.path
                parts = path.split("/")[:-1]
                begin = parts.index(call.layer.name) + 1 if call.layer.name in parts else 1
                inner = parts[begin:] or [layer.name]
                name = "/".join([call.name, *inner])
                found[name if name not in found else f"{name}:{len(found)}"] = layer
    return found


def own_weights(call: Call) -> list[keras.Variable]:
    """Returns the weights that an operation takes as they are, as in `x * self.scale`."""
    arguments = keras.tree.flatten((call.node.arguments.args, call.node.arguments.kwargs))
    return [one for one in arguments if isinstance(one, keras.Variable)]


@dataclass(frozen=True)
class _Part:
    """What `calls_between` needs of a model."""

    inputs: Sequence[Any]


def _entered(calls: Sequence[Call], same: dict[int, int], fresh: Iterator[int]) -> Iterator[Call]:
    """Yields calls, with those of custom layers replaced by the calls inside them.

    Args:
      calls: each after those it depends on.
      same: is given, for each value of a layer that was entered, the inner value that it is.
      fresh: numbers for new values.
    """
    for outer in calls:
        call = replace(outer, inputs=tuple(same.get(value, value) for value in outer.inputs))
        found = _within(call, fresh) if _is_own(call.layer) else None
        if found is None:
            yield call
            continue
        inner, given = found
        yield from _entered(inner, same, fresh)
        same.update((one, same.get(value, value)) for one, value in zip(call.outputs, given, strict=True))


def _within(call: Call, fresh: Iterator[int]) -> tuple[list[Call], list[int]] | None:
    """Returns the calls that a layer's `call` makes and the numbers of what it gives; None where they are not known."""
    layer, node = call.layer, call.node
    lengths = [(one, len(one._inbound_nodes), len(one._outbound_nodes)) for one in layer._flatten_layers()]
    try:
        inputs = [keras.KerasTensor(one.shape, one.dtype) for one in node.input_tensors]
        symbols = [keras.Input(batch_shape=one.shape, dtype=one.dtype) for one in inputs]
        replaced = {id(old): new for old, new in zip(node.input_tensors, symbols, strict=True)}
        arguments, named = node.arguments.fill_in(replaced)
        if "training" in inspect.signature(layer.call).parameters:
            named = {**named, "training": False}
        outputs = keras.tree.flatten(layer.call(*arguments, **named))
        if [tuple(one.shape) for one in outputs] != [tuple(one.shape) for one in node.outputs]:
            return None
        steps = calls_between(_Part(symbols), outputs, call.inputs, fresh, f"{call.name}/")
        inner: list[Call] = []
        while True:
            try:
                inner.append(next(steps))
            except StopIteration as end:
                return (inner, end.value) if _has_all_weights(layer, inner) else None
    except Exception:  # whatever a person's code raises on symbolic tensors
        return None
    finally:
        for one, inbound, outbound in lengths:
            del one._inbound_nodes[inbound:], one._outbound_nodes[outbound:]


def _has_all_weights(layer: Any, calls: Sequence[Call]) -> bool:
    """Returns whether each weight of a layer is one of a layer that is called, or an argument of a call."""
    found = {id(one) for call in calls for one in getattr(call.layer, "variables", ())}
    found.update(id(one) for call in calls for one in own_weights(call))
    return all(id(one) in found for one in layer.weights)


def _is_own(layer: Any) -> bool:
    """Returns whether a layer is not Keras's and holds layers."""
    if not isinstance(layer, keras.layers.Layer) or type(layer).__module__.partition(".")[0] == "keras":
        return False
    return any(True for _ in layer._flatten_layers(include_self=False))
