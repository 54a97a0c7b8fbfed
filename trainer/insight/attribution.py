"""Which elements of a sample a classifier's logit depends on: Grad-CAM, HiResCAM, integrated gradients, occlusion.

Samples have any rank, as `(*spatial, channels)`, and any numeric dtype; maps are float32, whatever the model computes
in.
"""

import copy
import itertools
from collections.abc import Iterable, Sequence

import keras
import numpy as np
import tensorflow as tf

from trainer.insight.passes import Passes


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
        self._passes = Passes(model, layer)
        self.layer, self.cost, self._most = self._passes.layer, self._passes.cost, self._passes.most

    def logits(self, samples: np.ndarray, classes: Iterable[int]) -> np.ndarray:
        """Returns the logit of each sample's class, `(batch,)`.

        Raises:
          ValueError: samples or classes do not fit the model.
        """
        return self._passes.outputs(*self._checked(samples, classes))[:, 0]

    def probabilities(self, samples: np.ndarray, classes: Iterable[int]) -> np.ndarray:
        """Returns the probability of each sample's class, `(batch,)`.

        Raises:
          ValueError: samples or classes do not fit the model.
        """
        return self._passes.outputs(*self._checked(samples, classes))[:, 1]

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
        self._require_layer()
        return self._passes.predicted(*self._checked(samples, np.zeros(len(samples), np.int32)))

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
        other = copy.copy(self)
        other._passes = self._passes.shuffled(seed)
        return other

    def _require_layer(self) -> None:
        if self.layer is None:
            raise ValueError("`model` must have a convolution over (batch, *spatial, channels). Received: none")

    def _class_activations(self, samples: np.ndarray, classes: Iterable[int]) -> np.ndarray:
        """Returns the maps of Grad-CAM and of HiResCAM, `(batch, *spatial, 2)`."""
        self._require_layer()
        return self._passes.cams(*self._checked(samples, classes))

    def _checked(self, samples: np.ndarray, classes: Iterable[int]) -> tuple[np.ndarray, np.ndarray]:
        """Returns samples as float32 and classes as int32."""
        values, labels = np.asarray(samples, np.float32), np.asarray(classes)
        shape, count = self._passes.shape, self._passes.classes
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
                slopes = self._passes.slopes(flat, classes.repeat(len(some)))
                sums[first : first + at_once] += slopes.reshape(points.shape).sum(axis=1)
        return sums / np.float32(count)


def _residuals(attributions: np.ndarray, differences: np.ndarray) -> np.ndarray:
    """Returns by how much sums miss differences, as a share of these where they are not 0."""
    gaps = np.abs(attributions.sum(axis=tuple(range(1, attributions.ndim)), dtype=np.float64) - differences)
    return np.asarray(gaps / np.where(differences, np.abs(differences), 1))


def _per_axis(value: int | Sequence[int], rank: int) -> tuple[int, ...]:
    return (value,) * rank if isinstance(value, int) else tuple(value)


def _spans(length: int, size: int, stride: int) -> list[slice]:
    """Returns which elements of an axis each position of a box covers."""
    starts = [*range(0, length - size, stride), length - size]
    return [slice(start, start + size) for start in starts]
