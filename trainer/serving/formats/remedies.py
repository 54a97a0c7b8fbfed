"""Operations that LiteRT lacks, expressed by those that it has, while a network is traced.

pooling of volumes          over height and width, then over depth: both are pooling of images
dilated convolution, 3-D    one operation, as LiteRT has it; TensorFlow moves the phases to the batch on a CPU
"""

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from trainer.networks import custom

_POOLINGS = (keras.layers.MaxPooling3D, keras.layers.AveragePooling3D)
_VOLUME = 5  # axes of a batch of volumes, and of their kernel


@contextlib.contextmanager
def applied(model: keras.Model) -> Iterator[None]:
    """Makes a model use LiteRT's operations alone in the block, where an equal one is known.

    Keras has no public way to replace the call of a layer in a model, nor the convolution of its backend.
    """
    changed = [
        layer for layer in custom.layers(model) if isinstance(layer, _POOLINGS) and layer.data_format == "channels_last"
    ]
    former = tf.nn.convolution
    for layer in changed:
        layer.call = functools.partial(_pool, layer)
    tf.nn.convolution = functools.partial(_convolve, former)
    try:
        yield
    finally:
        tf.nn.convolution = former
        for layer in changed:
            del layer.call


def _pool(layer: Any, volumes: tf.Tensor) -> tf.Tensor:
    """Returns the pooled `(batch, depth, height, width, channels)`; a mean leaves the padding out, as Keras's does."""
    pool = tf.nn.max_pool2d if isinstance(layer, keras.layers.MaxPooling3D) else tf.nn.avg_pool2d
    size, strides, padding = layer.pool_size, layer.strides, layer.padding.upper()
    _, depth, height, width, channels = volumes.shape
    maps = pool(tf.reshape(volumes, (-1, height, width, channels)), size[1:], strides[1:], padding)
    height, width = maps.shape[1:3]
    maps = pool(tf.reshape(maps, (-1, depth, height * width, channels)), (size[0], 1), (strides[0], 1), padding)
    return tf.reshape(maps, (-1, maps.shape[1], height, width, channels))


def _convolve(  # noqa: PLR0917 - TensorFlow's arguments in TensorFlow's order
    former: Any,
    input: tf.Tensor,
    filters: tf.Tensor,
    strides: Any = None,
    padding: str = "VALID",
    data_format: str | None = None,
    dilations: Any = None,
    name: str | None = None,
) -> tf.Tensor:
    """Returns `tf.nn.convolution` of the same arguments."""
    rates, steps = _each(dilations), _each(strides)
    if len(filters.shape) != _VOLUME or max(rates) == 1 or data_format not in (None, "NDHWC"):
        return former(input, filters, strides, padding, data_format, dilations, name)
    return tf.raw_ops.Conv3D(
        input=input, filter=filters, strides=[1, *steps, 1], padding=padding, dilations=[1, *rates, 1]
    )


def _each(value: Any) -> list[int]:
    if value is None or isinstance(value, int):
        return [value or 1] * 3
    return [*value]
