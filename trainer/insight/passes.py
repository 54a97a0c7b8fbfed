"""The passes of a network that attributions are made of: outputs, gradients, class activation maps."""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from trainer.insight.cost import cost
from trainer.insight.graph import Call, Graph
from trainer.insight.opened import inside
from trainer.insight.resize import resize
from trainer.insight.shapes import Shape, held, shapes
from trainer.insight.unfolded import Unfolded, compiled

_MOST_SAMPLES = 128  # a call: bounds the memory, and 256 were no faster on two cores


class Passes:
    """Passes of samples through a model with its current weights, in pieces that fit in memory.

    In all methods, samples are float32, `(batch, *spatial, channels)`, and classes int32, `(batch,)`; they are not
    checked. A method is traced at its first call.

    Args:
      model: a Sequential or functional model with one input; its first output are logits, `(batch, classes)`.
      layer: the name of the convolution for class activation maps; see `trainer.insight.attribution.Explainer`.

    Attributes:
      layer: the name of that convolution; None if the model has none.
      cost: the approximate number of multiply-adds per sample.
      shape: of a sample.
      classes: their number.
      most: samples of a piece.

    Raises:
      ValueError: the model has no convolution of this name.
    """

    def __init__(self, model: keras.Model, layer: str | None = None) -> None:
        graph = inside(model, model.outputs[:1])
        inner = shapes(model, graph)
        convolution = _convolution(graph, inner, layer, len(model.inputs[0].shape))
        self.layer = convolution.name if convolution else None
        self.cost = cost(graph, inner)
        chosen = [[convolution, *graph.to_activation(convolution)][-1].outputs[0]] if convolution else []
        self.shape, self.classes = model.inputs[0].shape[1:], model.outputs[0].shape[-1]
        self._network = Unfolded(model, graph, (*chosen, graph.outputs[0]))
        self._trainable = self._network.trainable_variables
        self._other = self._network.non_trainable_variables
        self._fixed: list[list[tf.Tensor]] | None = None  # other weights than the network's, as in `shuffled`
        self.most = min(_MOST_SAMPLES, held(inner))
        self._outputs, self._slopes, self._cams, self._predicted = map(
            self._compiled, (self._take_outputs, self._take_slopes, self._take_cams, self._take_predicted)
        )

    def outputs(self, samples: np.ndarray, classes: np.ndarray) -> np.ndarray:
        """Returns the logit and the probability of each sample's class, `(batch, 2)`."""
        return self._in_pieces(self._outputs, samples, classes)

    def slopes(self, samples: np.ndarray, classes: np.ndarray) -> np.ndarray:
        """Returns the gradients of the logit of each sample's class, of the samples' shape."""
        return self._in_pieces(self._slopes, samples, classes)

    def cams(self, samples: np.ndarray, classes: np.ndarray) -> np.ndarray:
        """Returns the maps of Grad-CAM and of HiResCAM, `(batch, *spatial, 2)`."""
        return self._in_pieces(self._cams, samples, classes)

    def predicted(self, samples: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns the logits, `(batch, classes)`, and both maps for the most probable class; given ones are ignored."""
        weights, most = self._values(), self.most
        parts = [
            self._predicted(*weights, tf.constant(samples[i : i + most]), tf.constant(classes[i : i + most]))
            for i in range(0, len(samples), most)
        ]
        logits, maps = (np.concatenate(part) for part in zip(*parts, strict=True))
        return logits, maps[..., 0], maps[..., 1]

    def shuffled(self, seed: int) -> "Passes":
        """Returns passes of the same network with the values of each weight randomly permuted."""
        random = np.random.default_rng(seed)
        other = copy.copy(self)
        other._fixed = [[_permuted(value, random) for value in part] for part in self._values()]
        return other

    def _values(self) -> list[list[tf.Tensor]]:
        """Returns the weights, trainable and other."""
        if self._fixed is not None:
            return self._fixed
        return [[tf.convert_to_tensor(v.value) for v in part] for part in (self._trainable, self._other)]

    def _in_pieces(self, function: Callable[..., tf.Tensor], samples: np.ndarray, classes: np.ndarray) -> np.ndarray:
        values = self._values()
        most = self.most
        return np.concatenate(
            [
                function(*values, tf.constant(samples[i : i + most]), tf.constant(classes[i : i + most])).numpy()
                for i in range(0, len(samples), most)
            ]
        )

    def _compiled(self, function: Callable[..., tf.Tensor]) -> Callable[..., tf.Tensor]:
        """Returns a function of weights, samples and classes as a graph for any number of samples."""
        specs = [
            [tf.TensorSpec(variable.shape, variable.dtype) for variable in part]
            for part in (self._trainable, self._other)
        ]
        samples, classes = tf.TensorSpec((None, *self.shape), tf.float32), tf.TensorSpec((None,), tf.int32)
        return compiled(function, (*specs, samples, classes))

    def _forward(self, trainable: Any, other: Any, samples: tf.Tensor, classes: tf.Tensor) -> tuple[Any, tf.Tensor]:
        """Returns the convolution's output, if there is one, and the logit of each sample's class."""
        (*features, logits), _ = self._network.stateless_call(trainable, other, samples, training=False)
        return features, tf.cast(tf.gather(logits, classes, batch_dims=1), tf.float32)

    def _take_outputs(self, trainable: Any, other: Any, samples: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
        """Returns the logit and the probability of each sample's class, `(batch, 2)`."""
        (*_, logits), _ = self._network.stateless_call(trainable, other, samples, training=False)
        logits = tf.cast(logits, tf.float32)
        return tf.gather(tf.stack([logits, tf.nn.softmax(logits)], -1), classes, batch_dims=1)

    def _take_slopes(self, trainable: Any, other: Any, samples: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(samples)
            _, logits = self._forward(trainable, other, samples, classes)
        return tape.gradient(logits, samples)

    def _take_cams(self, trainable: Any, other: Any, samples: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(samples)  # and so what follows from them: the features cannot be watched before they are used
            (features,), logits = self._forward(trainable, other, samples, classes)
        return class_activations(features, tape.gradient(logits, features), samples.shape[1:-1])

    def _take_predicted(
        self, trainable: Any, other: Any, samples: tf.Tensor, classes: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the logits, and the maps for the most probable classes; the given ones are ignored."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(samples)
            (features, logits), _ = self._network.stateless_call(trainable, other, samples, training=False)
            logits = tf.cast(logits, tf.float32)
            highest = tf.reduce_max(logits, axis=1)
        return logits, class_activations(features, tape.gradient(highest, features), samples.shape[1:-1])


def class_activations(features: tf.Tensor, gradients: tf.Tensor, sizes: Sequence[int]) -> tf.Tensor:
    """Returns the maps of Grad-CAM and of HiResCAM, `(batch, *spatial, 2)`, at the samples' sizes."""
    values, slopes = tf.cast(features, tf.float32), tf.cast(gradients, tf.float32)
    means = tf.reduce_mean(slopes, axis=list(range(1, len(sizes) + 1)), keepdims=True)
    maps = [tf.nn.relu(tf.reduce_sum(weights * values, axis=-1)) for weights in (means, slopes)]
    return tf.stack([resize(one, sizes) for one in maps], axis=-1)


def _convolution(graph: Graph, inner: Mapping[int, Shape], name: str | None, dimensions: int) -> Call | None:
    """Returns the convolution of that name, or by default one of the last, of those over the sample's own axes."""
    found = {call.name: call for call in graph.convolutions if _is_over(call, dimensions)}
    if name is None:
        larger = [call for call in found.values() if set(inner[call.outputs[0]][:-1]) != {1}]
        return [None, *found.values(), *larger][-1]
    if name not in found:
        raise ValueError(
            f"`layer` must be a convolution of the model over (batch, *spatial, channels), "
            f"which has {', '.join(found) or 'none'}. Received: layer={name!r}"
        )
    return found[name]


def _is_over(call: Call, dimensions: int) -> bool:
    return len(call.node.outputs[0].shape) == dimensions and bool(call.layer.data_format == "channels_last")


def _permuted(value: tf.Tensor, random: np.random.Generator) -> tf.Tensor:
    """Returns the tensor with its values permuted; a whole number, such as a seed, is left as it is."""
    if not value.dtype.is_floating:
        return value
    return tf.constant(random.permutation(value.numpy().ravel()).reshape(value.shape))
