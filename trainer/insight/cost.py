"""How long a network takes with one sample, in multiply-adds."""

from collections.abc import Mapping
from typing import Any

from trainer.insight.graph import Graph
from trainer.insight.opened import closed
from trainer.insight.shapes import Shape
from trainer.insight.shapes import values as inner_values
from trainer.insight.table import multiply_adds

_OF_A_VALUE = 100  # multiply-adds that take as long as to write an inner value and to read it again
_OF_A_WEIGHT = 1000  # multiply-adds of a weight in a layer that cannot be looked into, at a guess


def cost(graph: Graph, inner: Mapping[int, Shape]) -> int:
    """Returns about how many multiply-adds a sample takes; what is written and read counts, as layers spend more on it.

    On a network of depthwise convolutions the multiply-adds alone are a fifth of it.
    """
    work = sum(
        (multiply_adds(call.layer, inner[call.inputs[0]], inner[call.outputs[0]]) or 0) * _slowness(call.layer)
        for call in graph.calls
    )
    weights = sum(call.layer.count_params() for call in closed(graph))
    return work + _OF_A_VALUE * inner_values(inner) + _OF_A_WEIGHT * int(weights)


def _slowness(layer: Any) -> int:
    """Returns how many times as long as usual a multiply-add takes.

    Keras compiles grouped convolutions with XLA on a CPU, which then computes a whole kernel for each group: with
    384 groups it reached 0.07 billion multiply-adds per second, a hundredth of other convolutions.
    """
    groups = getattr(layer, "groups", 1)
    return 4 * groups if groups > 1 and type(layer).__module__.partition(".")[0] == "keras" else 1
