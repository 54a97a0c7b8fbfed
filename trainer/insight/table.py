"""A network as a table: each layer's shape, window, receptive field, parameters and cost."""

import math
from dataclasses import dataclass
from typing import Any

import keras

from trainer.data.form import Form
from trainer.insight.graph import POOLINGS, is_convolution, is_transposed
from trainer.insight.layer_kinds import COLLAPSING, POINTWISE, is_pointwise
from trainer.insight.opened import inside, own_weights
from trainer.insight.receptive_field import spatial, views
from trainer.insight.shapes import Shape, shapes

_HEAD = (
    "layer",
    "output shape",
    "kernel",
    "stride",
    "padding",
    "receptive field",
    "parameters",
    "share",
    "multiply-adds",
)
_RULE = ("---",) * 6 + ("---:",) * 3
_POSITIONS = {1: "points", 2: "pixels", 3: "voxels"}  # of a sample, by its rank
_SHORT = 0.01  # seconds from one point to the next, below which receptive fields are in milliseconds


@dataclass(frozen=True)
class Row:
    """One call of a layer; an unknown size is None.

    Attributes:
        layer: the name of the call, as in `walk`.
        output_shape: the shape without the batch axis.
        kernel: the kernel size of a convolution or pooling; None for other layers, as for `stride` and `padding`.
        stride: one per axis.
        padding: a name, or (before, after) per axis, followed by the mode if it is not zeros.
        receptive_field: the number of input positions that one output position depends on, per spatial axis, limited to
            the size of the input. None if it is unknown or the input has no spatial axis.
        parameters: the number of weights that are not in an earlier row.
        share: the share of the model's parameters, from 0 to 1.
        multiply_adds: multiply-adds per sample, including those with padding. None if unknown.
    """

    layer: str
    output_shape: Shape
    kernel: tuple[int, ...] | None
    stride: tuple[int, ...] | None
    padding: str | None
    receptive_field: Shape | None
    parameters: int
    share: float
    multiply_adds: int | None


def rows(model: keras.Model) -> list[Row]:
    """Returns a row for every call of a layer except inputs, in topological order.

    The layers inside custom layers have rows if they can be found. An operation that uses a weight directly has a row
    too.

    Raises:
        ValueError: the model is not a graph of layers, or not built.
    """
    graph = inside(model)
    given = shapes(model, graph)
    sliding = [call.layer for call in graph.calls if _slides(call.layer)]
    channels_first = any(layer.data_format == "channels_first" for layer in sliding)
    seen_by = views(graph, given, channels_first)
    total = count_parameters(model)
    table = []
    seen: set[int] = set()
    for call in graph.calls:
        layer = call.layer
        held = layer.weights if isinstance(layer, keras.layers.Layer) else own_weights(call)
        if not (held or isinstance(layer, keras.layers.Layer)):
            continue
        weights = {id(one): math.prod(one.shape) for one in held if _is_learned(one) and id(one) not in seen}
        seen.update(weights)
        parameters = sum(weights.values())
        table.append(
            Row(
                layer=call.name,
                output_shape=given[call.outputs[0]],
                kernel=_kernel(layer),
                stride=tuple(layer.strides) if _slides(layer) else None,
                padding=_padding(layer),
                receptive_field=seen_by[call.outputs[0]].receptive_field,
                parameters=parameters,
                share=parameters / total if total else 0.0,
                multiply_adds=multiply_adds(layer, given[call.inputs[0]], given[call.outputs[0]])
                if call.inputs
                else None,
            )
        )
    return table


def count_parameters(model: keras.Model) -> int:
    """Returns the number of parameters of a built model.

    Keras's `count_params` also counts the state of random generators, and the steps of `trainer.layers.Dropout`.
    """
    return sum(math.prod(weight.shape) for weight in model.weights if _is_learned(weight))


def markdown(model: keras.Model, form: Form | None = None) -> str:
    """Returns the rows and their total as a Markdown table for GitHub and TensorBoard; an unknown size is `?`.

    Args:
      model: a Sequential or functional model.
      form: the form of the input samples. With it, receptive fields are in points, pixels or voxels, and also in
        seconds or millimeters if the form includes their spacing.

    Raises:
        ValueError: the model is not a graph of layers, or not built.
    """
    table = rows(model)
    multiply_adds = [row.multiply_adds for row in table]
    total = (
        f"{sum(row.parameters for row in table):,}",
        "100 %",
        "?" if None in multiply_adds else f"{sum(filter(None, multiply_adds)):,}",
    )
    head = [f"{name} ({_POSITIONS[form.rank]})" if form and name == "receptive field" else name for name in _HEAD]
    lines = [
        head,
        _RULE,
        *(_cells(row, form) for row in table),
        ("**total**", *("",) * 5, *(f"**{cell}**" for cell in total)),
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cells(row: Row, form: Form | None) -> tuple[str, ...]:
    return (
        row.layer.replace("|", r"\|"),
        _times(row.output_shape),
        _times(row.kernel),
        _times(row.stride),
        row.padding or "–",
        _times(row.receptive_field) + _measured(row.receptive_field, form),
        f"{row.parameters:,}" if row.parameters else "–",
        f"{row.share:.1%}".replace("%", " %") if row.parameters else "–",
        "?" if row.multiply_adds is None else f"{row.multiply_adds:,}" if row.multiply_adds else "–",
    )


def _measured(field: Shape | None, form: Form | None) -> str:
    """Returns a receptive field in seconds or millimetres, where a form says the spacing of its positions."""
    if not form or field is None or None in field or not field or len(field) != len(form.spacing):
        return ""
    is_short = form.unit == "s" and min(form.spacing) < _SHORT
    factor, unit = (1000, "ms") if is_short else (1, form.unit)
    lengths = [(size or 0) * step * factor for size, step in zip(field, form.spacing, strict=True)]
    return f" ({'×'.join(f'{length:.4g}' for length in lengths)} {unit})"


def _times(sizes: Shape | None) -> str:
    return "×".join("?" if size is None else str(size) for size in sizes or ()) or "–"


def _slides(layer: Any) -> bool:
    """Returns whether a layer has a window that slides over the spatial axes."""
    return is_convolution(layer) or isinstance(layer, POOLINGS)


def _is_learned(weight: keras.Variable) -> bool:
    """Returns whether a weight is a parameter, and not a count such as the steps of `trainer.layers.Dropout`."""
    return bool(keras.backend.is_float_dtype(weight.dtype))


def _kernel(layer: Any) -> tuple[int, ...] | None:
    if is_convolution(layer):
        return tuple(layer.kernel_size)
    return tuple(layer.pool_size) if isinstance(layer, POOLINGS) else None


def _padding(layer: Any) -> str | None:
    if not _slides(layer):
        return None
    words = [layer.padding] if isinstance(layer.padding, str) else list(map(str, layer.padding))
    mode = getattr(layer, "padding_mode", "zeros")
    if mode != "zeros":
        words.append(f"constant {layer.padding_value:g}" if mode == "constant" else mode)
    return ", ".join(words)


def multiply_adds(layer: Any, taken: Shape, given: Shape) -> int | None:
    """Returns the multiply-adds of one sample, from what a layer takes and gives; None where they are not known."""
    if not (is_convolution(layer) or isinstance(layer, keras.layers.Dense)):
        known = (
            not getattr(layer, "weights", None)
            or isinstance(layer, POINTWISE + COLLAPSING + POOLINGS)
            or is_pointwise(layer)
        )
        return 0 if known else None
    # At each output position every weight of a kernel meets one input; of a transposed convolution at each input one.
    shape = taken if is_transposed(layer) else given
    positions = spatial(shape, getattr(layer, "data_format", "") == "channels_first")
    weights = layer.count_params() - (0 if getattr(layer, "bias", None) is None else math.prod(layer.bias.shape))
    return None if None in positions else weights * math.prod(positions)  # type: ignore[arg-type]
