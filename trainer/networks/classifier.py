"""Separates a model into its features and its classifier."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from trainer import layers
from trainer.networks.rebuild import is_graph

_DROPOUTS = (layers.Dropout, keras.layers.Dropout, keras.layers.SpatialDropout2D)
_PASSED = (*_DROPOUTS, keras.layers.Activation, keras.layers.Flatten, keras.layers.Identity, keras.layers.Reshape)
_POOLED = (keras.layers.GlobalAveragePooling2D,)
_LINKS = ("linear", "softmax", "sigmoid")  # the activations of a last layer with logits
_LINK_OPERATIONS = ("Softmax", "Sigmoid")  # as in `keras.ops.softmax(x)`; only the names of their classes are public


@dataclasses.dataclass(frozen=True)
class Parts:
    """The two parts of a model.

    Attributes:
      features: a model from the input to features, `(batch, features)` or maps.
      layer: the layer that computes the logits from the features, or from their average over the positions: a dense
        layer or a 1 x 1 convolution. None if the model is not a classifier; then the whole model computes features.
    """

    features: keras.Model
    layer: Any = None

    @property
    def classes(self) -> int:
        """The number of logits of the classifier; 0 if there is none."""
        return int(self.layer.kernel.shape[-1]) if self.layer else 0

    def weights(self) -> list[np.ndarray]:
        """Returns the classifier's kernel, `(features, classes)`, and its bias."""
        kernel = keras.ops.convert_to_numpy(self.layer.kernel)
        bias = keras.ops.convert_to_numpy(self.layer.bias) if self.layer.use_bias else np.zeros(self.classes)
        return [kernel.reshape(-1, self.classes), bias]


def split(model: keras.Model) -> Parts:
    """Returns the parts of a model with one input and one output.

    A classifier ends in a dense layer or a 1 x 1 convolution whose outputs are logits, optionally followed by a softmax
    or sigmoid. It may be nested. Dropout before it is left out.
    """
    passed: list[Any] = []
    for _, operation, inputs in _back(model.outputs[0]):
        if is_graph(operation):
            inner = split(operation)
            if inner.layer is None:
                break
            return Parts(keras.Model(model.inputs[0], inner.features(inputs[0]), name=model.name), inner.layer)
        if _classifies(operation, inputs[0], passed):
            return Parts(keras.Model(model.inputs[0], _before_dropout(inputs[0]), name=model.name), operation)
        if not _is_passed(operation):
            break
        passed.append(operation)
    return Parts(model)


def _back(tensor: Any) -> Iterator[tuple[Any, Any, list[Any]]]:
    """Yields each value backward from the output, its operation and inputs, until an operation has several inputs."""
    while True:
        history = tensor._keras_history
        operation = history.operation
        inputs = operation._inbound_nodes[history.node_index].input_tensors
        if len(inputs) != 1:
            return
        yield tensor, operation, inputs
        (tensor,) = inputs


def _before_dropout(tensor: Any) -> Any:
    for value, operation, _ in _back(tensor):
        if not isinstance(operation, _DROPOUTS):
            return value
    return tensor


def _classifies(operation: Any, features: Any, passed: list[Any]) -> bool:
    if not _is_link(operation):
        return False
    if isinstance(operation, keras.layers.Dense):
        return len(features.shape) == 2
    is_point = isinstance(operation, keras.layers.Conv2D) and operation.kernel_size == (1, 1) and operation.groups == 1
    return is_point and (tuple(features.shape[1:3]) == (1, 1) or any(map(_normalises, passed)))


def _is_link(operation: Any) -> bool:
    activation = getattr(operation, "activation", None)
    return activation is None or activation in [getattr(keras.activations, name) for name in _LINKS]


def _is_passed(operation: Any) -> bool:
    if isinstance(operation, keras.layers.Layer):
        return isinstance(operation, (*_PASSED, *_POOLED, keras.layers.Softmax)) and _is_link(operation)
    return type(operation).__name__ in _LINK_OPERATIONS


def _normalises(operation: Any) -> bool:
    """Returns whether a model's last operation converts logits to probabilities."""
    activation = getattr(operation, "activation", None)
    is_operation = type(operation).__name__ in _LINK_OPERATIONS
    return is_operation or isinstance(operation, keras.layers.Softmax) or activation is keras.activations.softmax
