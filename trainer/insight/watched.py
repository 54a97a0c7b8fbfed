"""Which variables of a network are watched, by name, and which dense layers read the sample itself."""

from collections.abc import Iterator, Sequence

import keras

from trainer.insight import choice
from trainer.insight.graph import Call, Graph

_MOST_VARIABLES = 24  # whose histograms are drawn


def templates(graph: Graph) -> Iterator[Call]:
    """Yields the dense layers whose input is the sample itself, scaled and flattened."""
    plain = (
        keras.layers.Dropout,
        keras.layers.Flatten,
        keras.layers.Identity,
        keras.layers.Normalization,
        keras.layers.Rescaling,
    )
    samples = set(graph.inputs)
    for call in graph.calls:
        if not samples.issuperset(call.inputs):
            continue
        if isinstance(call.layer, plain):
            samples.update(call.outputs)
        elif isinstance(call.layer, keras.layers.Dense) and len(call.node.input_tensors[0].shape) == 2:
            yield call


def watched(model: keras.Model, graph: Graph, chosen: Sequence[Call]) -> dict[str, keras.Variable]:
    """Returns the variables whose histograms are drawn: all, or of many those of chosen layers, then evenly spaced.

    Names are as `conv1/kernel`: the layer's, then its own within the layer.
    """
    # Also of layers that do not learn now, and may later.
    variables = {id(one): one for layer in model._flatten_layers() for one in layer._trainable_variables}
    variables = {id(one): variables[id(one)] for one in model.variables if id(one) in variables}
    owners = {id(one): call for call in reversed(graph.calls) for one in getattr(call.layer, "variables", ())}
    if len(variables) > _MOST_VARIABLES:
        of_chosen = [call for call in graph.calls if any(call.layer is other.layer for other in chosen)]
        kept = {id(one) for call in of_chosen for one in call.layer.variables} or set(variables)
        variables = {key: one for key, one in variables.items() if key in kept}
    return {
        _name(variables[key], owners.get(key)): variables[key] for key in choice.evenly([*variables], _MOST_VARIABLES)
    }


def _name(variable: keras.Variable, call: Call | None) -> str:
    path = variable.path.split("/")
    if call and call.layer.name in path:
        own = path[len(path) - path[::-1].index(call.layer.name) :]
        return "/".join([call.name, *own])
    return f"{call.name}/{variable.name}" if call else str(variable.path)
