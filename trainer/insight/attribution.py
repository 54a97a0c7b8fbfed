"""Which elements of a sample a classifier's logit depends on: Grad-CAM, HiResCAM, integrated gradients, occlusion.

Samples have any rank, as `(*spatial, channels)`, and any numeric dtype; maps are float32, whatever the model computes
in.
"""

import copy
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from trainer.insight.graph import Call, Graph
from trainer.insight.opened import closed, inside
from trainer.insight.resize import resize
from trainer.insight.shapes import Shape, held, shapes
from trainer.insight.shapes import values as inner_values
from trainer.insight.table import multiply_adds
from trainer.insight.unfolded import Unfolded, compiled

_MOST_SAMPLES = 128  # a call: bounds the memory, and 256 were no faster on two cores
_OF_A_VALUE = 100  # multiply-adds that take as long as to write an inner value and to read it again
_OF_A_WEIGHT = 1000  # multiply-adds of a weight in a layer that cannot be looked into, at a guess


class Explainer:
    """Attributions of a model from `(batch, *spatial, channels)` to logits, `(batch, classes)`, its first output.

    Each call reads the current weights and does not change them. In all methods, `classes` contains, for each sample,
    the class whose logit is explained. A method is traced at its first call.

    Args:
      model: a Sequential or functional model with one input. Nested models and custom layers are supported.
      layer: the name of the convolution for `grad_cam`, which uses the output of its activation. The default is the
        last convolution whose map has more than one position, or the last one if there is none. For a convolution in a
        nested model, the name starts with that model's name and a slash, as in `backbone/conv1`.

    Attributes:
      layer: the name of that convolution; None if the model has no convolution, and therefore no Grad-CAM.
      cost: the approximate number of multiply-adds per sample.

    Raises:
      ValueError: the model has no convolution of this name.
    """

    def __init__(self, model: keras.Model, layer: str | None = None) -> None:
        graph = inside(model, model.outputs[:1])
        inner = shapes(model, graph)
        convolution = _convolution(graph, inner, layer, len(model.inputs[0].shape))
        self.layer = convolution.name if convolution else None
        self.cost = _cost(graph, inner)
        chosen = [[convolution, *graph.to_activation(convolution)][-1].outputs[0]] if convolution else []
        self._shape, self._classes = model.inputs[0].shape[1:], model.outputs[0].shape[-1]
        self._network = Unfolded(model, graph, (*chosen, graph.outputs[0]))
        self._trainable = self._network.trainable_variables
        self._other = self._network.non_trainable_variables
        self._fixed: list[list[tf.Tensor]] | None = None  # other weights than the network's, as in `shuffled`
        self._most = min(_MOST_SAMPLES, held(inner))
        self._outputs, self._slopes, self._cams, self._predicted = map(
            self._compiled, (self._take_outputs, self._take_slopes, self._take_cams, self._take_predicted)
        )

    def logits(self, samples: np.ndarray, classes: Iterable[int]) -> np.ndarray:
        """Returns the logit of each sample's class, `(batch,)`.

        Raises:
          ValueError: samples or classes do not fit the model.
        """
        return self._in_pieces(self._outputs, *self._checked(samples, classes))[:, 0]

    def probabilities(self, samples: np.ndarray, classes: Iterable[int]) -> np.ndarray:
        """Returns the probability of each sample's class, `(batch,)`.

        Raises:
          ValueError: samples or classes do not fit the model.
        """
        return self._in_pieces(self._outputs, *self._checked(samples, classes))[:, 1]

    def grad_cam(self, samples: np.ndarray, classes: Iterable[int]) -> np.ndarray:
        """Returns maps `(batch, *spatial)` of the evidence for the class in the layer's output; no value is negative.

        The weight of each channel is the gradient of the logit, averaged over the positions. The positive part of the
        weighted sum is resized to the samples' size with linear interpolation.

        Raises:
          ValueError: samples or classes do not fit the model, or the model has no convolution.

        Source: Selvaraju et al., Grad-CAM, 2017, equations 1 and 2.
        """
        return self._class_activations(samples, classes)[..., 0]

    def hires_cam(self, samples: np.ndarray, classes: Iterable[int]) -> np.ndarray:
        """Returns maps `(batch, *spatial)` of the evidence for the class in the layer's output; no value is negative.

        Each element of the output has its own weight, its gradient, in place of its channel's mean as in Grad-CAM. The
        maps are equal if all that follows the layer is a mean over positions. If the layer's output is flattened, the
        gradients of a channel differ in sign, and only these maps show what the network computes.

        Raises:
          ValueError: samples or classes do not fit the model, or the model has no convolution.

        Source: Draelos and Carin, Use HiResCAM instead of Grad-CAM for faithful explanations, 2020, section 3.2.
        """
        return self._class_activations(samples, classes)[..., 1]

    def predicted(self, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns the logits, `(batch, classes)`, and `grad_cam` and `hires_cam` for each sample's most probable class.

        The network computes each sample once, and only gradients of what follows the layer.

        Raises:
          ValueError: samples do not fit the model, or the model has no convolution.
        """
        values, labels = self._checked(samples, np.zeros(len(samples), np.int32))
        self._require_layer()
        weights = self._values()
        parts = [
            self._predicted(*weights, tf.constant(values[i : i + self._most]), tf.constant(labels[i : i + self._most]))
            for i in range(0, len(values), self._most)
        ]
        logits, maps = (np.concatenate(part) for part in zip(*parts, strict=True))
        return logits, maps[..., 0], maps[..., 1]

    def integrated_gradients(
        self,
        samples: np.ndarray,
        classes: Iterable[int],
        baseline: float | np.ndarray = 0.0,
        steps: int = 32,
        *,
        tolerance: float = 0.01,
        most_steps: int = 512,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns attributions `(batch, *spatial, channels)`, signed, and their residual `(batch,)`.

        A sample's attributions should sum to its logit minus the baseline's. The residual is the error of this sum
        relative to the difference; if the difference is 0, it is the absolute error.

        Args:
          samples: raw values, as the input of the model.
          classes: one per sample.
          baseline: the value of every element of a sample without information: one number, or one per channel.
          steps: the number of points between the baseline and the sample at which the gradient is computed first.
          tolerance: while the residual of a sample is larger, its number of steps is doubled.
          most_steps: the limit of this number.

        Raises:
          ValueError: samples or classes do not fit the model, or there is no step.

        Source: Sundararajan et al., Axiomatic Attribution for Deep Networks, 2017, equations 1 and 3.
        """
        values, labels = self._checked(samples, classes)
        if not 1 <= steps <= most_steps:
            raise ValueError(f"`steps` must be from 1 to most_steps={most_steps}. Received: steps={steps!r}")
        blank = np.asarray(baseline, np.float32)
        differences = self.logits(values, labels) - self.logits(np.broadcast_to(blank, values.shape), labels)
        deltas = values - blank
        attributions, residuals = np.empty_like(values), np.empty(len(values), np.float32)
        left = np.arange(len(values))
        while len(left) and steps <= most_steps:
            attributions[left] = deltas[left] * self._mean_slopes(deltas[left], labels[left], blank, steps)
            residuals[left] = _residuals(attributions[left], differences[left])
            left, steps = left[residuals[left] > tolerance], 2 * steps
        return attributions, residuals

    def occlusion(
        self,
        samples: np.ndarray,
        classes: Iterable[int],
        size: int | Sequence[int],
        stride: int | Sequence[int],
        fill: float | np.ndarray = 0.0,
    ) -> np.ndarray:
        """Returns maps `(batch, *spatial)` of the decrease of the logit when a box covers the element.

        The value of an element is the mean over all boxes that cover it. Boxes have `size` elements per axis and a
        distance of `stride`; the last box ends at the border.

        Args:
          samples: raw values, as the input of the model.
          classes: one per sample.
          size: the size of a box: one number, or one per axis.
          stride: the distance between boxes: one number, or one per axis.
          fill: the value of covered elements: one number, or one per channel.

        Raises:
          ValueError: samples or classes do not fit the model, or the boxes do not cover all elements.

        Source: Zeiler and Fergus, Visualizing and Understanding Convolutional Networks, 2014, section 4.2.
        """
        values, labels = self._checked(samples, classes)
        axes = values.shape[1:-1]
        windows, steps = (_per_axis(value, len(axes)) for value in (size, stride))
        if not all(1 <= window <= length for window, length in zip(windows, axes, strict=True)):
            most = min(axes) if isinstance(size, int) else axes
            raise ValueError(f"`size` must be from 1 to {most} on these samples. Received: size={size!r}")
        if not all(1 <= step <= window for step, window in zip(steps, windows, strict=True)):
            raise ValueError(f"`stride` must be from 1 to size={size}. Received: stride={stride!r}")
        boxes = [*itertools.product(*map(_spans, axes, windows, steps))]
        whole = self.logits(values, labels)
        falls = np.empty(len(values) * len(boxes))
        for first in range(0, len(falls), self._most):
            pairs = np.arange(first, min(first + self._most, len(falls)))
            chosen, numbers = np.divmod(pairs, len(boxes))
            covered = values[chosen]
            for one, number in zip(covered, numbers, strict=True):
                one[boxes[number]] = fill
            falls[pairs] = whole[chosen] - self.logits(covered, labels[chosen])
        # Added box by box: as masks the boxes of a volume took gigabytes.
        sums, counts = np.zeros(values.shape[:-1]), np.zeros(axes)
        for box, fall in zip(boxes, falls.reshape(len(values), -1).T, strict=True):
            sums[(slice(None), *box)] += fall.reshape(-1, *(1,) * len(axes))
            counts[box] += 1
        return np.asarray(sums / counts, np.float32)

    def shuffled(self, seed: int) -> "Explainer":
        """Returns an explainer of the same network with the values of each weight randomly permuted."""
        random = np.random.default_rng(seed)
        other = copy.copy(self)
        other._fixed = [[_permuted(value, random) for value in part] for part in self._values()]
        return other

    def _require_layer(self) -> None:
        if self.layer is None:
            raise ValueError("`model` must have a convolution over (batch, *spatial, channels). Received: none")

    def _class_activations(self, samples: np.ndarray, classes: Iterable[int]) -> np.ndarray:
        """Returns the maps of Grad-CAM and of HiResCAM, `(batch, *spatial, 2)`."""
        self._require_layer()
        return self._in_pieces(self._cams, *self._checked(samples, classes))

    def _checked(self, samples: np.ndarray, classes: Iterable[int]) -> tuple[np.ndarray, np.ndarray]:
        """Returns samples as float32 and classes as int32."""
        values, labels = np.asarray(samples, np.float32), np.asarray(classes)
        shape, count = self._shape, self._classes
        if not values.size or not tf.TensorShape((None, *shape)).is_compatible_with(values.shape):
            raise ValueError(f"`samples` must have the shape (batch, *{shape}). Received: shape {values.shape}")
        if (
            labels.shape != values.shape[:1]
            or labels.dtype.kind not in "iu"
            or ((labels < 0) | (labels >= count)).any()
        ):
            raise ValueError(
                f"`classes` must be one whole number from 0 to {count - 1} for each of {len(values)} samples. "
                f"Received: {classes!r}"
            )
        return values, labels.astype(np.int32)

    def _values(self) -> list[list[tf.Tensor]]:
        """Returns the weights, trainable and other."""
        if self._fixed is not None:
            return self._fixed
        return [[tf.convert_to_tensor(v.value) for v in part] for part in (self._trainable, self._other)]

    def _in_pieces(self, function: Callable[..., tf.Tensor], samples: np.ndarray, classes: np.ndarray) -> np.ndarray:
        values = self._values()
        most = self._most
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
        samples, classes = tf.TensorSpec((None, *self._shape), tf.float32), tf.TensorSpec((None,), tf.int32)
        return compiled(function, (*specs, samples, classes))

    def _mean_slopes(self, deltas: np.ndarray, labels: np.ndarray, baseline: np.ndarray, count: int) -> np.ndarray:
        """Returns the mean gradient from the baseline to each sample, at the midpoints of `count` equal parts.

        The gradient of a piecewise linear network is a step function, so a higher order gains nothing. Midpoints avoid
        the ends, where the units of a blank sample without biases are at their kink.
        """
        shares = ((np.arange(count, dtype=np.float32) + 0.5) / count).reshape(-1, *(1,) * (deltas.ndim - 1))
        sums, at_once = np.zeros_like(deltas), max(1, self._most // count)
        for first in range(0, len(deltas), at_once):
            part, classes = deltas[first : first + at_once], labels[first : first + at_once]
            for some in np.split(shares, range(self._most, count, self._most)):
                points = baseline + some * part[:, None]
                flat = points.reshape(-1, *deltas.shape[1:])
                slopes = self._in_pieces(self._slopes, flat, classes.repeat(len(some)))
                sums[first : first + at_once] += slopes.reshape(points.shape).sum(axis=1)
        return sums / np.float32(count)

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
        return _cams(features, tape.gradient(logits, features), samples.shape[1:-1])

    def _take_predicted(
        self, trainable: Any, other: Any, samples: tf.Tensor, classes: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the logits, and the maps for the most probable classes; the given ones are ignored."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(samples)
            (features, logits), _ = self._network.stateless_call(trainable, other, samples, training=False)
            logits = tf.cast(logits, tf.float32)
            highest = tf.reduce_max(logits, axis=1)
        return logits, _cams(features, tape.gradient(highest, features), samples.shape[1:-1])


def _cams(features: tf.Tensor, gradients: tf.Tensor, sizes: Sequence[int]) -> tf.Tensor:
    """Returns the maps of Grad-CAM and of HiResCAM, `(batch, *spatial, 2)`, at the samples' sizes."""
    values, slopes = tf.cast(features, tf.float32), tf.cast(gradients, tf.float32)
    means = tf.reduce_mean(slopes, axis=list(range(1, len(sizes) + 1)), keepdims=True)
    maps = [tf.nn.relu(tf.reduce_sum(weights * values, axis=-1)) for weights in (means, slopes)]
    return tf.stack([resize(one, sizes) for one in maps], axis=-1)


def _residuals(attributions: np.ndarray, differences: np.ndarray) -> np.ndarray:
    """Returns by how much sums miss differences, as a share of these where they are not 0."""
    gaps = np.abs(attributions.sum(axis=tuple(range(1, attributions.ndim)), dtype=np.float64) - differences)
    return np.asarray(gaps / np.where(differences, np.abs(differences), 1))


def _cost(graph: Graph, inner: Mapping[int, Shape]) -> int:
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


def _per_axis(value: int | Sequence[int], rank: int) -> tuple[int, ...]:
    return (value,) * rank if isinstance(value, int) else tuple(value)


def _spans(length: int, size: int, stride: int) -> list[slice]:
    """Returns which elements of an axis each position of a box covers."""
    starts = [*range(0, length - size, stride), length - size]
    return [slice(start, start + size) for start in starts]


def _permuted(value: tf.Tensor, random: np.random.Generator) -> tf.Tensor:
    """Returns the tensor with its values permuted; a whole number, such as a seed, is left as it is."""
    if not value.dtype.is_floating:
        return value
    return tf.constant(random.permutation(value.numpy().ravel()).reshape(value.shape))
