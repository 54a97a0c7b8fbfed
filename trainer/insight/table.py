"""A network as a table: for every layer its shape, its window, what it looks across, what it holds and costs.

What one place looks across follows from the layers before it. With a jump of 1 and a span of 1 at the input, a window
of `window` places that moves by `stride` makes of the span

    span + (window - 1) * jump

and multiplies the jump by the stride (Araujo, Norris, Sim, "Computing Receptive Fields of Convolutional Neural
Networks", Distill, 2019).
"""

import math
import operator
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import keras

from trainer import layers
from trainer.layers import padding as pads

Shape: TypeAlias = tuple[int | None, ...]

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

_CONVOLUTIONS = (
    layers.Conv1D,
    layers.Conv2D,
    layers.Conv3D,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D,
)
_POOLINGS = (
    keras.layers.AveragePooling1D,
    keras.layers.AveragePooling2D,
    keras.layers.AveragePooling3D,
    keras.layers.MaxPooling1D,
    keras.layers.MaxPooling2D,
    keras.layers.MaxPooling3D,
)
_COLLAPSING = (
    keras.layers.Flatten,
    keras.layers.GlobalAveragePooling1D,
    keras.layers.GlobalAveragePooling2D,
    keras.layers.GlobalAveragePooling3D,
    keras.layers.GlobalMaxPooling1D,
    keras.layers.GlobalMaxPooling2D,
    keras.layers.GlobalMaxPooling3D,
)
# Where an output place looks at one place of each input, when the network classifies.
_PLACEWISE = (
    layers.Dropout,
    keras.layers.Activation,
    keras.layers.ActivityRegularization,
    keras.layers.Add,
    keras.layers.AlphaDropout,
    keras.layers.Average,
    keras.layers.BatchNormalization,
    keras.layers.Concatenate,
    keras.layers.Cropping1D,
    keras.layers.Cropping2D,
    keras.layers.Cropping3D,
    keras.layers.Dense,
    keras.layers.Dropout,
    keras.layers.ELU,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
    keras.layers.Identity,
    keras.layers.LayerNormalization,
    keras.layers.LeakyReLU,
    keras.layers.Maximum,
    keras.layers.Minimum,
    keras.layers.Multiply,
    keras.layers.Normalization,
    keras.layers.PReLU,
    keras.layers.RandomBrightness,
    keras.layers.RandomContrast,
    keras.layers.RandomFlip,
    keras.layers.RandomRotation,
    keras.layers.RandomTranslation,
    keras.layers.RandomZoom,
    keras.layers.ReLU,
    keras.layers.Rescaling,
    keras.layers.Softmax,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout2D,
    keras.layers.SpatialDropout3D,
    keras.layers.Subtract,
    keras.layers.ZeroPadding1D,
    keras.layers.ZeroPadding2D,
    keras.layers.ZeroPadding3D,
)
# Operations on symbolic tensors, as in `x + y`; Keras makes their classes public by name only.
_PLACEWISE_OPERATIONS = frozenset(
    (
        "Add",
        "Divide",
        "Gelu",
        "Maximum",
        "Minimum",
        "Multiply",
        "Relu",
        "Sigmoid",
        "Silu",
        "Subtract",
        "Tanh",
        "TrueDivide",
    )
)


@dataclass(frozen=True)
class Row:
    """One call of one layer; a size that is not known is None.

    Attributes:
        layer: its name; within a nested model after that model's name and a slash.
        output_shape: without the batch.
        kernel: of a convolution or pooling, as are `stride` and `padding`.
        stride: one per axis.
        padding: a name, or (before, after) of each axis; then the mode, if not zeros.
        receptive_field: what one output place looks across in the model's input, per spatial axis, and at most all of
            it. None where it is not known, or where the input has no spatial axis.
        parameters: weights that no row above has.
        share: of the model's parameters, 0 to 1.
        multiply_adds: of one image; taps that meet padding count. None where they are not known.
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
    """Returns a row for every call of a layer, each after those it depends on; inputs have none.

    Raises:
        ValueError: the model is not a graph of layers, or not built.
    """
    if not _is_graph(model):
        raise ValueError(f"`model` must be Sequential or functional, and built. Received: model={model!r}")
    channels_first = any(
        layer.data_format == "channels_first"
        for layer in _leaves(model)
        if isinstance(layer, _CONVOLUTIONS + _POOLINGS)
    )
    views = [_view(_spatial(tensor.shape, channels_first)) for tensor in model.inputs]
    total = sum(math.prod(weight.shape) for weight in model.weights if _is_learned(weight))
    table = []
    seen: set[int] = set()
    for name, call, view in _calls(model, views, channels_first):
        layer = call.operation
        weights = {id(one): math.prod(one.shape) for one in layer.weights if _is_learned(one) and id(one) not in seen}
        seen.update(weights)
        parameters = sum(weights.values())
        table.append(
            Row(
                layer=name,
                output_shape=tuple(call.outputs[0].shape[1:]),
                kernel=_kernel(layer),
                stride=tuple(layer.strides) if isinstance(layer, _CONVOLUTIONS + _POOLINGS) else None,
                padding=_padding(layer),
                receptive_field=view.receptive_field,
                parameters=parameters,
                share=parameters / total if total else 0.0,
                multiply_adds=_multiply_adds(layer, call.outputs[0].shape),
            )
        )
    return table


def markdown(model: keras.Model) -> str:
    """Returns the rows and their total as a table, as GitHub and TensorBoard read it; a size not known is `?`."""
    table = rows(model)
    multiply_adds = [row.multiply_adds for row in table]
    total = (
        f"{sum(row.parameters for row in table):,}",
        "100 %",
        "?" if None in multiply_adds else f"{sum(filter(None, multiply_adds)):,}",
    )
    lines = [_HEAD, _RULE, *map(_cells, table), ("**total**", *("",) * 5, *(f"**{cell}**" for cell in total))]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.layer.replace("|", r"\|"),
        _times(row.output_shape),
        _times(row.kernel),
        _times(row.stride),
        row.padding or "–",
        _times(row.receptive_field),
        f"{row.parameters:,}" if row.parameters else "–",
        f"{row.share:.1%}".replace("%", " %") if row.parameters else "–",
        "?" if row.multiply_adds is None else f"{row.multiply_adds:,}" if row.multiply_adds else "–",
    )


def _times(sizes: Shape | None) -> str:
    return "×".join("?" if size is None else str(size) for size in sizes or ()) or "–"


def _is_learned(weight: keras.Variable) -> bool:
    """Returns whether a weight is a parameter, and not a count such as the steps of `trainer.layers.Dropout`."""
    return bool(keras.backend.is_float_dtype(weight.dtype))


def _kernel(layer: Any) -> tuple[int, ...] | None:
    if isinstance(layer, _CONVOLUTIONS):
        return tuple(layer.kernel_size)
    return tuple(layer.pool_size) if isinstance(layer, _POOLINGS) else None


def _padding(layer: Any) -> str | None:
    if not isinstance(layer, _CONVOLUTIONS + _POOLINGS):
        return None
    words = [layer.padding] if isinstance(layer.padding, str) else list(map(str, layer.padding))
    mode = getattr(layer, "padding_mode", "zeros")
    if mode != "zeros":
        words.append(f"constant {layer.padding_value:g}" if mode == "constant" else mode)
    return ", ".join(words)


def _multiply_adds(layer: Any, output_shape: Shape) -> int | None:
    if not isinstance(layer, (*_CONVOLUTIONS, keras.layers.Dense)):
        known = not layer.weights or isinstance(layer, _PLACEWISE + _COLLAPSING + _POOLINGS)
        return 0 if known else None
    places = _spatial(output_shape, getattr(layer, "data_format", "") == "channels_first")
    # At each place every weight of a kernel meets one input.
    weights = layer.count_params() - (0 if layer.bias is None else math.prod(layer.bias.shape))
    return None if None in places else weights * math.prod(places)  # type: ignore[arg-type]


@dataclass(frozen=True)
class _View:
    """What one place of a tensor looks across in the model's input.

    Attributes:
        sizes: of the input, per spatial axis; infinite where not known.
        spans: from the first to the last element looked at; None where not known.
        jumps: from what one place looks at to what the next does; 0 where all look at the same.
    """

    sizes: tuple[float, ...]
    spans: tuple[float, ...] | None
    jumps: tuple[int, ...]

    @property
    def receptive_field(self) -> Shape | None:
        return tuple(int(span) if math.isfinite(span) else None for span in self.spans) if self.spans else None

    def unknown(self) -> "_View":
        """Returns the view after a layer of which nothing is known."""
        return replace(self, spans=None) if any(self.jumps) else self

    def through(self, windows: Iterable[float], strides: Iterable[int]) -> "_View":
        """Returns the view through a window of so many places, that moves by `strides`."""
        windows, strides = tuple(windows), tuple(strides)
        if self.spans is None or len(windows) != len(self.spans) or not any(self.jumps):
            return self.unknown()
        axes = zip(self.sizes, self.spans, windows, self.jumps, strict=True)
        spans = tuple(min(size, span + (window - 1) * jump) for size, span, window, jump in axes)
        return _View(self.sizes, spans, tuple(map(operator.mul, self.jumps, strides)))

    def over(self, sizes: Shape) -> "_View":
        """Returns the view of all places of a map at once."""
        whole = self.through((math.inf if size is None else size for size in sizes), (0,) * len(sizes))
        return _View(self.sizes, self.sizes if whole.spans is None else whole.spans, (0,) * len(self.sizes))


def _view(sizes: Shape) -> _View:
    """Returns the view of an input, which is itself."""
    rank = len(sizes)
    return _View(tuple(math.inf if size is None else size for size in sizes), (1,) * rank, (1,) * rank)


def _largest(views: list[_View]) -> _View:
    """Returns the largest along each axis; an input without spatial axes does not count beside one with them."""
    rank = max(len(view.sizes) for view in views)
    views = [view for view in views if len(view.sizes) == rank]
    spans = [view.spans for view in views if view.spans is not None]
    return _View(
        tuple(map(max, zip(*(view.sizes for view in views), strict=True))),
        tuple(map(max, zip(*spans, strict=True))) if len(spans) == len(views) else None,
        tuple(map(max, zip(*(view.jumps for view in views), strict=True))),
    )


def _after(layer: Any, view: _View, input_shape: Shape, channels_first: bool) -> _View:
    """Returns the view of a layer's output from that of its input."""
    if isinstance(layer, _CONVOLUTIONS):
        return view.through(map(pads.span, layer.kernel_size, layer.dilation_rate), layer.strides)
    if isinstance(layer, _POOLINGS):
        return view.through(layer.pool_size, layer.strides)
    if isinstance(layer, _COLLAPSING):
        return view.over(_spatial(input_shape, channels_first))
    if isinstance(layer, _PLACEWISE):
        axis = getattr(layer, "axis", None)
        axes = () if axis is None else axis if isinstance(axis, list | tuple) else (axis,)
        rank = len(input_shape)
        mixes = any(axis % rank not in (0, 1 if channels_first else rank - 1) for axis in axes)
        return view.unknown() if mixes else view
    operation = not isinstance(layer, keras.layers.Layer) and type(layer).__name__ in _PLACEWISE_OPERATIONS
    return view if operation else view.unknown()


def _calls(
    model: Any, views: list[_View], channels_first: bool, prefix: str = ""
) -> Generator[tuple[str, Any, _View], None, list[_View]]:
    """Yields the name, the node and the output's view of each call of a layer; returns the views of the outputs."""
    known = {id(tensor): view for tensor, view in zip(model.inputs, views, strict=True)}
    for node in _nodes(model):
        layer, inputs = node.operation, [known[id(tensor)] for tensor in node.input_tensors]
        name = prefix + layer.name
        if _is_graph(layer):
            outputs = yield from _calls(layer, inputs, channels_first, f"{name}/")
        else:
            view = _after(layer, _largest(inputs), node.input_tensors[0].shape, channels_first)
            outputs = [view] * len(node.outputs)
            if isinstance(layer, keras.layers.Layer):
                yield name, node, view
        known.update(zip(map(id, node.outputs), outputs, strict=True))
    return [known[id(tensor)] for tensor in model.outputs]


def _nodes(model: Any) -> Iterator[Any]:
    """Yields Keras's record of each call from the model's inputs to its outputs, after those it depends on."""
    done = {id(tensor) for tensor in model.inputs}
    pending = list(reversed(model.outputs))
    while pending:  # a recursion would end at a thousand layers
        history = pending[-1]._keras_history
        node = history.operation._inbound_nodes[history.node_index]
        if id(pending[-1]) in done:
            pending.pop()
        elif missing := [tensor for tensor in node.input_tensors if id(tensor) not in done]:
            pending.extend(reversed(missing))
        else:
            done.update(map(id, node.outputs))
            yield node


def _is_graph(layer: Any) -> bool:
    return isinstance(layer, keras.Model) and layer.built and hasattr(layer, "outputs")


def _leaves(model: Any) -> Iterator[Any]:
    """Yields the layers, also those within nested models."""
    for layer in model.layers:
        if _is_graph(layer):
            yield from _leaves(layer)
        else:
            yield layer


def _spatial(shape: Shape, channels_first: bool) -> Shape:
    """Returns the spatial sizes of (batch, *spatial, channels), or channels first."""
    return tuple(shape[2:] if channels_first else shape[1:-1])
