"""Where a network is cut, so that what does not learn is computed without its gradients, and once for each sample."""

from collections.abc import Collection, Sequence
from dataclasses import replace

import keras

from trainer.insight.graph import Call, Graph, walk
from trainer.insight.unfolded import Unfolded


def choose_layers(model: keras.Model, names: Sequence[str] | None) -> None:
    """Makes some layers of a model learn, and the others not.

    Args:
      model: Sequential or functional where there are names.
      names: of the calls of layers, as `trainer.insight.graph.walk` has them; None leaves the layers as they are.
    """
    if names is None:
        return
    model.trainable = True
    calls = [call for call in walk(model).calls if isinstance(call.layer, keras.layers.Layer)]
    learning = {id(call.layer) for call in calls if call.name in names}
    for call in calls:
        call.layer.trainable = id(call.layer) in learning


def has_learning_convolutions(model: keras.Model, names: Collection[str] | None) -> bool:
    """Returns whether a convolution is among the layers that learn.

    Args:
      model: Sequential or functional where there are names.
      names: of the calls of the layers that learn; None where all do.
    """
    return names is None or any(call.name in names for call in walk(model).convolutions)


def positions(model: keras.Model) -> list[int]:
    """Returns which of a model's variables, by position, are weights of layers that do not learn, in nested models too.

    They hardly change: such a batch normalisation keeps its statistics.
    """
    layers = [layer for layer in model._flatten_layers(include_self=False) if not layer.trainable]
    still = {id(variable) for layer in layers for variable in layer.variables if "float" in variable.dtype}
    return [number for number, variable in enumerate(model.variables) if id(variable) in still]


def cut(model: keras.Model, names: Collection[str] | None) -> tuple[Unfolded, Unfolded] | None:
    """Returns the part of a model that does not learn and the part above it; nothing where there is no such part.

    The first takes samples and gives one value for each, the second takes these and gives the model's output. They
    share the model's layers.

    Args:
      model: Sequential or functional where there are names.
      names: of the calls of the layers that learn; None where all do.
    """
    if names is None:
        return None
    graph = walk(model, model.outputs[:1])
    place = _place(graph, names)
    below, above = graph.calls[:place], graph.calls[place:]
    if not any(getattr(call.layer, "weights", None) for call in below):
        return None
    (value,) = _crossing(graph, place)
    return (
        Unfolded(model, replace(graph, calls=below), (value,)),
        Unfolded(model, replace(graph, calls=above, inputs=(value,)), graph.outputs[:1]),
    )


def _place(graph: Graph, names: Collection[str]) -> int:
    """Returns before which call a graph is cut: as late as one value alone goes on and nothing that learns is below."""
    place = next(index for index, call in enumerate(graph.calls) if call.name in names)
    while place and (_is_random(graph.calls[place - 1]) or len(_crossing(graph, place)) != 1):
        place -= 1
    return place


def _crossing(graph: Graph, place: int) -> set[int]:
    """Returns which values that are there before a call are used by it or later."""
    made = {*graph.inputs, *(value for call in graph.calls[:place] for value in call.outputs)}
    used = {*graph.outputs[:1], *(value for call in graph.calls[place:] for value in call.inputs)}
    return made & used


def _is_random(call: Call) -> bool:
    """Returns whether a layer does something at random while it trains, as a dropout does."""
    return hasattr(call.layer, "rate") or hasattr(call.layer, "seed_generator")
