"""Max pooling whose gradient XLA compiles to the same bits on a GPU each time: TensorFlow's own it refuses there.

Each output's gradient goes to the first greatest input of its window, as TensorFlow's does.
"""

import contextlib
import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

_LAYERS = (keras.layers.MaxPooling1D, keras.layers.MaxPooling2D, keras.layers.MaxPooling3D)


@contextlib.contextmanager
def compiled(model: keras.Model) -> Iterator[None]:
    """Lets a model's layers for max pooling, in nested models too, compute as `max_pool` does while this is open."""
    found = [layer for layer in model._flatten_layers(include_self=False, recursive=True) if type(layer) in _LAYERS]
    changed = [layer for layer in found if layer.data_format == "channels_last"]
    for layer in changed:
        layer.__dict__["call"] = _call(layer)
    try:
        yield
    finally:
        for layer in changed:
            del layer.__dict__["call"]


@dataclasses.dataclass(frozen=True)
class Window:
    """What is pooled to one value.

    Attributes:
      size: for each spatial axis.
      strides: from a window to the next.
      padding: same or valid.
    """

    size: Sequence[int]
    strides: Sequence[int]
    padding: str

    def margins(self, sides: Sequence[int], outputs: Sequence[int]) -> tuple[list[int], list[int]]:
        """Returns how much padding TensorFlow adds before each spatial axis, and after it."""
        if self.padding == "valid":
            return [0] * len(sides), [0] * len(sides)
        counts = zip(sides, outputs, self.strides, self.size, strict=True)
        totals = [max((count - 1) * stride + size - side, 0) for side, count, stride, size in counts]
        return [total // 2 for total in totals], [total - total // 2 for total in totals]


def max_pool(values: tf.Tensor, window: Window) -> tf.Tensor:
    """Returns the greatest value of each window of `(batch, *spatial, channels)`, one to three spatial axes."""

    def pooled(values: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        greatest = tf.nn.max_pool(values, window.size, window.strides, window.padding.upper())
        return greatest, lambda upstream: _gradient(values, greatest, upstream, window)

    result: tf.Tensor = tf.custom_gradient(pooled)(values)
    return result


def _call(layer: Any) -> Callable[[tf.Tensor], tf.Tensor]:
    window = Window(layer.pool_size, layer.strides, layer.padding)
    return lambda inputs: max_pool(inputs, window)


def _gradient(values: tf.Tensor, greatest: tf.Tensor, upstream: tf.Tensor, window: Window) -> tf.Tensor:
    sides, outputs = values.shape[1:-1], greatest.shape[1:-1]
    before, after = window.margins(sides, outputs)
    padded = tf.pad(values, [(0, 0), *zip(before, after, strict=True), (0, 0)], constant_values=values.dtype.min)
    shape, total, is_found = tf.shape(padded), tf.zeros_like(padded), tf.zeros_like(greatest, tf.bool)
    steps = [1, *window.strides, 1]
    for offset in itertools.product(*map(range, window.size)):  # row by row, as TensorFlow looks for the first
        ends = [first + (count - 1) * step + 1 for first, count, step in zip(offset, outputs, steps[1:-1], strict=True)]
        begin, end = tf.stack([0, *offset, 0]), tf.stack([shape[0], *ends, shape[-1]])
        is_first = (tf.strided_slice(padded, begin, end, steps) == greatest) & ~is_found
        is_found |= is_first
        part = tf.where(is_first, upstream, tf.zeros_like(upstream))
        total += tf.raw_ops.StridedSliceGrad(shape=shape, begin=begin, end=end, strides=steps, dy=part)
    ends = [first + side for first, side in zip(before, sides, strict=True)]
    return tf.strided_slice(total, [0, *before, 0], tf.stack([shape[0], *ends, shape[-1]]))
