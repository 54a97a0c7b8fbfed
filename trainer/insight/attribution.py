"""Which pixels a classifier's logit rests on: Grad-CAM, integrated gradients, occlusion, and a check of the first two.

Pixels may be of any numeric dtype; maps are float32, whatever the model computes in.
"""

import copy
from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from trainer.insight.graph import later_activation, output_of

_MOST_IMAGES = 128  # a call: bounds the memory, and 256 were no faster on two cores


class Explainer:
    """Attributions of a model from `(batch, height, width, channels)` to logits, `(batch, classes)`.

    It reads the weights anew at each call, and changes none. Nothing is traced: to make a graph took 0.1 to 0.2 s for
    each method, more than it saved on the few images that a person looks at. In all methods `classes` holds, for each
    image, the class whose logit is explained.

    Args:
      model: a Sequential or functional model.
      layer: the name of the convolution that `grad_cam` looks at, under its activation; by default the last.

    Raises:
      ValueError: the model has no such convolution.
    """

    def __init__(self, model: keras.Model, layer: str | None = None) -> None:
        image = model.inputs[0]
        convolution = _convolution(model, layer)
        features = output_of(model, later_activation(model, convolution) or convolution)
        self._network = keras.Model(image, [features, model.outputs[0]], name="explained")
        self._trainable = self._network.trainable_variables
        self._other = self._network.non_trainable_variables
        self._fixed: list[list[tf.Tensor]] | None = None  # other weights than the network's, as in `shuffled`

    def grad_cam(self, images: np.ndarray, classes: Iterable[int]) -> np.ndarray:
        """Returns maps `(batch, height, width)`, at least 0: where what the layer gives on speaks for the class.

        Each channel of that output counts by the mean, over its pixels, of the logit's gradient; what the channels'
        sum has above 0 is brought to the images' size bilinearly.

        Raises:
          ValueError: images or classes are not as the model has them.

        Source: Selvaraju et al., Grad-CAM, 2017, equations 1 and 2.
        """
        return self._in_pieces(self._cams, *self._checked(images, classes))

    def integrated_gradients(
        self,
        images: np.ndarray,
        classes: Iterable[int],
        baseline: float = 0.0,
        steps: int = 32,
        *,
        tolerance: float = 0.01,
        most_steps: int = 512,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns attributions `(batch, height, width, channels)`, signed, and their residual `(batch,)`.

        An image's attributions should sum to its logit minus the baseline's. The residual is by how much they miss it,
        as a share of that difference; where the difference is 0, it is the amount itself.

        Args:
          images: raw pixels, as the model takes them.
          classes: one per image.
          baseline: the value of every pixel of the image that says nothing.
          steps: at how many points of the way from the baseline the gradient is taken, at first.
          tolerance: while an image's residual is above, its steps double,
          most_steps: as long as they stay within this.

        Raises:
          ValueError: images or classes are not as the model has them, or there is no step.

        Source: Sundararajan et al., Axiomatic Attribution for Deep Networks, 2017, equations 1 and 3.
        """
        pixels, labels = self._checked(images, classes)
        if not 1 <= steps <= most_steps:
            raise ValueError(f"`steps` must be from 1 to most_steps={most_steps}. Received: steps={steps!r}")
        start = self._in_pieces(self._logits, np.full_like(pixels, baseline), labels)
        differences = self._in_pieces(self._logits, pixels, labels) - start
        deltas = pixels - np.float32(baseline)
        attributions, residuals = np.empty_like(pixels), np.empty(len(pixels), np.float32)
        left = np.arange(len(pixels))
        while len(left) and steps <= most_steps:
            attributions[left] = deltas[left] * self._mean_slopes(deltas[left], labels[left], baseline, steps)
            gaps = np.abs(attributions[left].sum(axis=(1, 2, 3), dtype=np.float64) - differences[left])
            residuals[left] = gaps / np.where(differences[left], np.abs(differences[left]), 1)
            left, steps = left[residuals[left] > tolerance], 2 * steps
        return attributions, residuals

    def occlusion(
        self, images: np.ndarray, classes: Iterable[int], size: int, stride: int, fill: float = 0.0
    ) -> np.ndarray:
        """Returns maps `(batch, height, width)`: by how much the logit falls where a square covers the pixel.

        It is the mean over the squares that do: `size` pixels wide, `stride` apart, and the last at the border.

        Raises:
          ValueError: images or classes are not as the model has them, or squares would leave out a pixel.

        Source: Zeiler and Fergus, Visualizing and Understanding Convolutional Networks, 2014, section 4.2.
        """
        pixels, labels = self._checked(images, classes)
        height, width = pixels.shape[1:3]
        if not 1 <= size <= min(height, width):
            raise ValueError(f"`size` must be from 1 to {min(height, width)} on these images. Received: size={size!r}")
        if not 1 <= stride <= size:
            raise ValueError(f"`stride` must be from 1 to size={size}. Received: stride={stride!r}")
        rows, columns = _covers(height, size, stride), _covers(width, size, stride)
        squares = (rows[:, None, :, None] & columns[None, :, None, :]).reshape(-1, height, width)
        whole = self._in_pieces(self._logits, pixels, labels)
        falls = np.empty(len(pixels) * len(squares))
        for first in range(0, len(falls), _MOST_IMAGES):
            places = np.arange(first, min(first + _MOST_IMAGES, len(falls)))
            image, square = np.divmod(places, len(squares))
            covered = np.where(squares[square][..., None], np.float32(fill), pixels[image])
            falls[places] = whole[image] - self._in_pieces(self._logits, covered, labels[image])
        sums = np.tensordot(falls.reshape(len(pixels), -1), squares, axes=1)
        return np.asarray(sums / squares.sum(axis=0), np.float32)

    def shuffled(self, seed: int) -> "Explainer":
        """Returns an explainer of the same network where the values of each weight have changed places at random."""
        random = np.random.default_rng(seed)
        other = copy.copy(self)
        other._fixed = [[_permuted(value, random) for value in part] for part in self._values()]
        return other

    def sanity(
        self, images: np.ndarray, classes: Iterable[int], cams: np.ndarray, paths: np.ndarray, draws: int = 2
    ) -> dict[str, float]:
        """Returns, by method, the rank correlation of its maps with those of a `shuffled` network.

        It is the mean over images and draws: one draw of Grad-CAM alone may be anything. Near 1, the maps tell of the
        images and not of what was learned. Integrated gradients are summed over channels; a pixel as the baseline is
        left out, since it has 0 in any network.

        Args:
          images: raw pixels, as the model takes them.
          classes: one per image.
          cams: what `grad_cam` gives for them.
          paths: what `integrated_gradients` gives.
          draws: how many shuffled networks.

        Raises:
          ValueError: images or classes are not as the model has them.

        Source: Adebayo et al., Sanity Checks for Saliency Maps, 2018, section 3.
        """
        pixels, labels = self._checked(images, classes)
        seen = (pixels != 0).any(axis=-1)

        def told(attributions: np.ndarray) -> np.ndarray:
            return np.where(seen, attributions.sum(axis=-1), np.nan)

        correlations = np.empty((draws, 2, len(pixels)))
        for draw, of in enumerate(correlations):
            other = self.shuffled(draw)
            of[0] = rank_correlation(cams, other.grad_cam(pixels, labels))
            # Ranks settle long before the sum does.
            theirs, _ = other.integrated_gradients(pixels, labels, steps=4, most_steps=4)
            of[1] = rank_correlation(told(paths), told(theirs))
        grad_cam, integrated_gradients = correlations.mean((0, 2)).tolist()
        return {"grad_cam": grad_cam, "integrated_gradients": integrated_gradients}

    def _checked(self, images: np.ndarray, classes: Iterable[int]) -> tuple[np.ndarray, np.ndarray]:
        """Returns images as float32 and classes as int32."""
        pixels, labels = np.asarray(images, np.float32), np.asarray(classes)
        shape, count = self._network.inputs[0].shape[1:], self._network.outputs[1].shape[-1]
        if not pixels.size or not tf.TensorShape((None, *shape)).is_compatible_with(pixels.shape):
            raise ValueError(f"`images` must have the shape (batch, *{shape}). Received: shape {pixels.shape}")
        if (
            labels.shape != pixels.shape[:1]
            or labels.dtype.kind not in "iu"
            or ((labels < 0) | (labels >= count)).any()
        ):
            raise ValueError(
                f"`classes` must be one whole number from 0 to {count - 1} for each of {len(pixels)} images. "
                f"Received: {classes!r}"
            )
        return pixels, labels.astype(np.int32)

    def _values(self) -> list[list[tf.Tensor]]:
        """Returns the weights, trainable and other."""
        if self._fixed is not None:
            return self._fixed
        return [[tf.convert_to_tensor(v.value) for v in part] for part in (self._trainable, self._other)]

    def _in_pieces(self, function: Callable[..., tf.Tensor], images: np.ndarray, classes: np.ndarray) -> np.ndarray:
        values = self._values()
        starts = range(0, len(images), _MOST_IMAGES)
        return np.concatenate(
            [
                function(*values, tf.constant(images[i : i + _MOST_IMAGES]), classes[i : i + _MOST_IMAGES]).numpy()
                for i in starts
            ]
        )

    def _mean_slopes(self, deltas: np.ndarray, labels: np.ndarray, baseline: float, count: int) -> np.ndarray:
        """Returns the mean gradient from the baseline to each image, at the midpoints of `count` equal parts.

        Of a piecewise linear network the gradient is a step function, for which a higher order gains nothing; and the
        ends, where the units of a blank image without biases stand in their kink, are no midpoints.
        """
        shares = ((np.arange(count, dtype=np.float32) + 0.5) / count)[:, None, None, None]
        means, at_once = np.empty_like(deltas), max(1, _MOST_IMAGES // count)
        for first in range(0, len(deltas), at_once):
            part = deltas[first : first + at_once]
            points = np.float32(baseline) + shares * part[:, None]
            slopes = self._in_pieces(
                self._slopes, points.reshape(-1, *deltas.shape[1:]), labels[first : first + at_once].repeat(count)
            )
            means[first : first + at_once] = slopes.reshape(points.shape).mean(axis=1)
        return means

    def _forward(
        self, trainable: Any, other: Any, images: tf.Tensor, classes: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the convolution's output and the logit of each image's class."""
        (features, logits), _ = self._network.stateless_call(trainable, other, images, training=False)
        return features, tf.cast(tf.gather(logits, classes, batch_dims=1), tf.float32)

    def _logits(self, trainable: Any, other: Any, images: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
        return self._forward(trainable, other, images, classes)[1]

    def _slopes(self, trainable: Any, other: Any, images: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(images)
            _, logits = self._forward(trainable, other, images, classes)
        return tape.gradient(logits, images)

    def _cams(self, trainable: Any, other: Any, images: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(images)  # and so what follows from them: the features cannot be watched before they are used
            features, logits = self._forward(trainable, other, images, classes)
        gradients = tf.cast(tape.gradient(logits, features), tf.float32)
        weights = tf.reduce_mean(gradients, axis=(1, 2), keepdims=True)
        maps = tf.nn.relu(tf.reduce_sum(weights * tf.cast(features, tf.float32), axis=-1, keepdims=True))
        return tf.image.resize(maps, tf.shape(images)[1:3])[..., 0]


def rank_correlation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Returns, `(batch,)`, Spearman's correlation of each image's map in `a` with that in `b`.

    Equal values share their mean rank; places that are NaN in both are left out; where a map is constant, the
    correlation is 0.

    Raises:
      ValueError: the shapes differ.
    """
    if a.shape != b.shape:
        raise ValueError(f"`b` must have the shape of a, {a.shape}. Received: shape {b.shape}")
    correlations = np.zeros(len(a))
    for i, maps in enumerate(zip(a, b, strict=True)):
        first, second = (_centred_ranks(values[~np.isnan(values)]) for values in maps)
        scale = np.sqrt((first @ first) * (second @ second))
        if scale:
            correlations[i] = first @ second / scale
    return correlations


def _centred_ranks(values: np.ndarray) -> np.ndarray:
    """Returns the ranks of the values, flat, with a mean of 0."""
    _, places, counts = np.unique(values.ravel(), return_inverse=True, return_counts=True)
    # Doubled, as whole numbers: a constant map is exactly 0.
    return np.asarray((2 * np.cumsum(counts) - counts)[places] - values.size, np.float64)


def _convolution(model: keras.Model, name: str | None) -> keras.layers.Layer:
    """Returns the convolution of that name, or the last."""
    found = {layer.name: layer for layer in model.layers if hasattr(layer, "kernel_size") and _is_map(layer)}
    if name is None and found:
        return list(found.values())[-1]
    if name not in found:
        raise ValueError(
            f"`layer` must be a convolution of the model over (batch, height, width, channels), "
            f"which has {', '.join(found) or 'none'}. Received: layer={name!r}"
        )
    return found[name]


def _is_map(layer: keras.layers.Layer) -> bool:
    return len(layer.output.shape) == 4 and bool(layer.data_format == "channels_last")


def _covers(length: int, size: int, stride: int) -> np.ndarray:
    """Returns, `(positions, length)`, which places of an axis each position of a square covers."""
    starts = np.unique(np.append(np.arange(0, length - size, stride), length - size))[:, None]
    places = np.arange(length)
    return np.asarray((starts <= places) & (places < starts + size))


def _permuted(value: tf.Tensor, random: np.random.Generator) -> tf.Tensor:
    """Returns the tensor with its values in random places; a whole number, such as a seed, is left as it is."""
    if not value.dtype.is_floating:
        return value
    return tf.constant(random.permutation(value.numpy().ravel()).reshape(value.shape))
