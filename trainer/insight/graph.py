"""The one walk through a model, and the one definition of a convolution.

A model is read as a list of calls in graph order. Nested models are entered, to any depth, so that a caller sees
layers only. Each call names the values it takes and gives by number: a nested model has symbolic tensors of its own,
a loaded or shared one has been called more than once, and `layer.output` is that of the first call or an error.
"""

import itertools
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

_SLIDING = ("kernel_size", "strides", "dilation_rate", "padding", "data_format")  # Keras's own argument names
_TRANSPOSED = (keras.layers.Conv1DTranspose, keras.layers.Conv2DTranspose, keras.layers.Conv3DTranspose)
_DEPTHWISE = (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)
POOLINGS = (
    keras.layers.AveragePooling1D,
    keras.layers.AveragePooling2D,
    keras.layers.AveragePooling3D,
    keras.layers.MaxPooling1D,
    keras.layers.MaxPooling2D,
    keras.layers.MaxPooling3D,
)
_NORMALISATIONS = (
    keras.layers.BatchNormalization,
    keras.layers.GroupNormalization,
    keras.layers.LayerNormalization,
)
_ACTIVATIONS = (keras.layers.Activation, keras.layers.ELU, keras.layers.LeakyReLU, keras.layers.ReLU)
# Operations on symbolic tensors, as in `keras.ops.relu(x)`; Keras makes their classes public by name only.
ACTIVATION_OPERATIONS = frozenset(
    (
        "Celu",
        "Elu",
        "Gelu",
        "HardSigmoid",
        "HardSilu",
        "HardTanh",
        "LeakyRelu",
        "LogSigmoid",
        "Relu",
        "Relu6",
        "Selu",
        "Sigmoid",
        "Silu",
        "Softplus",
        "Softsign",
        "SparsePlus",
        "Squareplus",
        "Tanh",
    )
)


@dataclass(frozen=True, eq=False)
class Call:
    """One call of a layer or operation.

    Attributes:
      name: the layer's name, which no other call has: within a nested model after that model's name and a slash, as in
        `backbone/conv1`; from its second call on with the call's number, as in `shared:2`.
      node: Keras's record of the call.
      inputs: the numbers of the values that it takes.
      outputs: the numbers of the values that it gives.
    """

    name: str
    node: Any
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    @property
    def layer(self) -> Any:
        """The layer, or the operation."""
        return self.node.operation


@dataclass(frozen=True, eq=False)
class Graph:
    """The calls from a model's inputs to its outputs.

    Attributes:
      calls: each after those that it depends on.
      inputs: the numbers of the model's inputs.
      outputs: the numbers of its outputs; of a classifier the first is the logits.
    """

    calls: tuple[Call, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    @property
    def convolutions(self) -> list[Call]:
        """The calls of convolutions."""
        return [call for call in self.calls if is_convolution(call.layer)]

    @property
    def dense(self) -> list[Call]:
        """The calls of dense layers."""
        return [call for call in self.calls if isinstance(call.layer, keras.layers.Dense)]

    @property
    def hidden(self) -> int:
        """The last hidden value: the input of the last layer with weights before the first output.

        Layers without weights after it, such as a cast of the logits to float32, do not count.
        """
        makers = {value: call for call in self.calls for value in call.outputs}
        value = self.outputs[0]
        while value in makers and len(makers[value].inputs) == 1:
            call = makers[value]
            (value,) = call.inputs
            if getattr(call.layer, "weights", None):
                break
        return value

    def to_activation(self, call: Call) -> tuple[Call, ...]:
        """Returns the calls after a linear layer up to its activation, which may follow normalisation and pooling.

        Nothing where the layer applies an activation itself, has none, or where a value on the way is used twice.
        """
        if getattr(call.layer, "activation", keras.activations.linear) is not keras.activations.linear:
            return ()
        path: list[Call] = []
        while len(users := [user for user in self.calls if call.outputs[0] in user.inputs]) == 1:
            (call,) = users
            path.append(call)
            if _is_activation(call.layer):
                return tuple(path)
            if not isinstance(call.layer, POOLINGS + _NORMALISATIONS):
                break
        return ()

    def activated(self, calls: Sequence[Call]) -> "tuple[Graph, list[int]]":
        """Returns the graph with what each layer gives under its activation, and the numbers of these values.

        A pooling right before the activation is left out, so that a feature map has the convolution's size.
        """
        fresh = itertools.count(1 + max((*self.inputs, *(value for call in self.calls for value in call.outputs))))
        added: list[Call] = []
        values = []
        for call in calls:
            value = call.outputs[0]
            for later in _without_last_poolings(self.to_activation(call)):
                added.append(replace(later, name=f"{call.name}>{later.name}", inputs=(value,), outputs=(next(fresh),)))
                (value,) = added[-1].outputs
            values.append(value)
        return replace(self, calls=(*self.calls, *added)), values


def walk(model: keras.Model, outputs: Sequence[keras.KerasTensor] | None = None) -> Graph:
    """Returns the graph of a model, with nested models entered.

    A layer that is itself no Sequential or functional model is one call, whatever it holds.

    Args:
      model: a Sequential or functional model.
      outputs: which of the model's outputs count; by default all.

    Raises:
      ValueError: the model is not a graph of layers, or not built.
    """
    if not _is_graph(model):
        raise ValueError(f"`model` must be Sequential or functional, and built. Received: model={model!r}")
    fresh = itertools.count()
    inputs = [next(fresh) for _ in model.inputs]
    calls: list[Call] = []
    steps = calls_between(model, model.outputs if outputs is None else outputs, inputs, fresh)
    while True:
        try:
            calls.append(next(steps))
        except StopIteration as end:
            return Graph(tuple(uniquely_named(calls)), tuple(inputs), tuple(end.value))


def is_convolution(layer: Any) -> bool:
    """Returns whether a layer slides kernels over one to three spatial axes: this package's, Keras's or another's.

    Keras's depthwise, separable and transposed layers are convolutions; its recurrent ones are not.
    """
    if not all(hasattr(layer, name) for name in _SLIDING):
        return False
    kernel = getattr(layer, "kernel", getattr(layer, "depthwise_kernel", None))
    return kernel is not None and len(kernel.shape) == len(layer.kernel_size) + 2 <= 5


def is_transposed(layer: Any) -> bool:
    """Returns whether a convolution adds each input, times the kernel, to its output, as its gradient would."""
    return isinstance(layer, _TRANSPOSED)


def kernel_of(layer: Any) -> np.ndarray:
    """Returns a convolution's kernel as float32, `(*spatial, channels, filters)`, whatever the layer stores.

    Of a depthwise layer, each filter has one channel. Of a separable layer it is the product of its two kernels: a
    convolution with that kernel gives the same.
    """
    if hasattr(layer, "pointwise_kernel"):
        depthwise, pointwise = _array(layer.depthwise_kernel), _array(layer.pointwise_kernel)
        mixing = pointwise.reshape(*depthwise.shape[-2:], -1)
        return np.asarray(np.einsum("...cm,cmf->...cf", depthwise, mixing))
    kernel = _array(layer.kernel)
    if isinstance(layer, _DEPTHWISE):
        return kernel.reshape(*kernel.shape[:-2], 1, -1)
    return kernel.swapaxes(-1, -2) if is_transposed(layer) else kernel


def _array(variable: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(variable)).astype(np.float32)


def calls_between(
    model: Any, outputs: Sequence[Any], inputs: Sequence[int], fresh: Iterator[int], prefix: str = ""
) -> Generator[Call, None, list[int]]:
    """Yields the calls from a model's inputs to some of its outputs; returns the numbers of these outputs.

    Args:
      model: that has `inputs`.
      outputs: symbolic tensors that depend on these.
      inputs: the numbers of the inputs.
      fresh: numbers for new values.
      prefix: of the calls' names.
    """
    known = dict(zip(map(id, model.inputs), inputs, strict=True))
    for node in _nodes(model, outputs):
        layer, taken = node.operation, [known[id(tensor)] for tensor in node.input_tensors]
        if _is_graph(layer):
            given = yield from calls_between(layer, layer.outputs, taken, fresh, f"{prefix}{layer.name}/")
        else:
            given = [next(fresh) for _ in node.outputs]
            yield Call(prefix + layer.name, node, tuple(taken), tuple(given))
        known.update(zip(map(id, node.outputs), given, strict=True))
    return [known[id(tensor)] for tensor in outputs]


def _nodes(model: Any, outputs: Sequence[Any]) -> Iterator[Any]:
    """Yields Keras's record of each call from the model's inputs to some outputs, after those it depends on."""
    done = {id(tensor) for tensor in model.inputs}
    pending = list(reversed(outputs))
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


def uniquely_named(calls: Sequence[Call]) -> Iterator[Call]:
    """Yields calls with a number after the name of each that has the name of one before."""
    counts: Counter[str] = Counter()
    for call in calls:
        counts[call.name] += 1
        number = counts[call.name]
        yield replace(call, name=f"{call.name}:{number}") if number > 1 else call


def _without_last_poolings(path: Sequence[Call]) -> Sequence[Call]:
    between, activation = path[:-1], path[-1:]
    while between and isinstance(between[-1].layer, POOLINGS):
        between = between[:-1]
    return (*between, *activation)


def _is_activation(layer: Any) -> bool:
    if isinstance(layer, keras.layers.Layer):
        return isinstance(layer, _ACTIVATIONS)
    return type(layer).__name__ in ACTIVATION_OPERATIONS


def _is_graph(layer: Any) -> bool:
    return isinstance(layer, keras.Model) and layer.built and hasattr(layer, "outputs")
