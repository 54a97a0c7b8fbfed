"""Which layers of a deep network are looked at: a bounded number, evenly spaced."""

from collections.abc import Sequence
from typing import Any, TypeVar

from trainer.insight.graph import Call, Graph
from trainer.insight.opened import closed, hidden_convolutions, inside

MOST = 8  # convolutions: their feature maps are one sheet, and drawing them takes a second

_Item = TypeVar("_Item")


def evenly(items: Sequence[_Item], most: int = MOST) -> list[_Item]:
    """Returns at most so many items, evenly spaced, the first and the last among them.

    Args:
      items: in their order.
      most: at least 2.
    """
    if len(items) <= most:
        return list(items)
    return [items[round(index * (len(items) - 1) / (most - 1))] for index in range(most)]


def convolutions(graph: Graph) -> list[Call]:
    """Returns the calls of convolutions that are looked at: all, or of more than 8 an evenly spaced choice.

    Of many, those whose kernels have more than one position are chosen from, since a kernel of one is no picture; the
    first and the last convolution are always among them.
    """
    found = graph.convolutions
    if len(found) <= MOST:
        return found
    wide = [call for call in found if has_window(call.layer)]
    first = [] if wide[:1] == found[:1] else found[:1]
    last = [] if wide[-1:] == found[-1:] else found[-1:]
    if not wide:
        return evenly(found)
    return [*first, *evenly(wide, MOST - len(first) - len(last)), *last]


def has_window(layer: Any) -> bool:
    """Returns whether a convolution's kernel has more than one position."""
    return any(size > 1 for size in layer.kernel_size)


def kernels(graph: Graph) -> dict[str, Any]:
    """Returns the convolutions whose filters are drawn, by their first call's name.

    These are the chosen ones, without kernels of one position where there are others: a filter of one position has no
    shape, unless it takes the sample's own channels. Those within layers that cannot be looked into are among them.
    """
    layers: dict[str, Any] = {}
    for call in convolutions(graph):
        if all(call.layer is not layer for layer in layers.values()):
            layers[call.name] = call.layer
    hidden = [*hidden_convolutions(graph).items()]
    drawn = [*layers.items(), *evenly([(name, layer) for name, layer in hidden if has_window(layer)] or hidden)]
    shown = [(name, layer) for index, (name, layer) in enumerate(drawn) if index == 0 or has_window(layer)]
    return dict(shown)


def lines(model: Any) -> list[str]:
    """Returns what of a model is not drawn and why, a line each; none where all of it is.

    Args:
      model: a Sequential or functional model.
    """
    graph = inside(model)
    chosen, found = convolutions(graph), graph.convolutions
    said = []
    if len(chosen) < len(found):
        names = ", ".join(call.name for call in chosen)
        said.append(f"pictures of {len(chosen)} of {len(found)} convolutions: {names}")
    shut = closed(graph)
    if shut:
        names = ", ".join(call.name for call in evenly(shut))
        more = f" and {len(shut) - MOST} more" if len(shut) > MOST else ""
        said.append(
            f"no feature maps, Grad-CAM or receptive fields within {names}{more}: "
            "its call does more than call layers and keras.ops"
        )
    return said
