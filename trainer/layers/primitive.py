"""A convolution with zero padding by the framework's primitive, with a workaround where the primitive fails.

The limits of TensorFlow 2.21 on a CPU, and the workarounds:

    stride > 1 with dilation > 1     convolutions at dilation 1, concatenated in the batch (`_phases`)
    groups, backward                 a split; the primitive, up to 4 times faster, if a trial shows that it works
    channels first, in parts         transposed: bit-exact and not slower, because oneDNN also transposes
    1 channel, 1 output, stride > 1  stride 1 over that output: oneDNN's outputs are wrong (`_moving`)
    kernel of 1, stride > 1          every s-th position at stride 1: oneDNN's gradient of the kernel writes beyond its
                                     memory if there are few channels and the batch size is odd (`_picked`)
    an empty batch                   a matrix product: oneDNN returns the input's shape. A batch that is only found to
                                     be empty inside a `tf.function` is left to oneDNN: a reshape would prevent the
                                     fusion of bias and activation for other batches
"""

import functools
import math
from dataclasses import replace
from typing import Any

import keras
from keras import ops

from trainer.layers.padding import Geometry, Pair


def convolve(x: Any, kernel: Any, geometry: Geometry, groups: int, data_format: str) -> Any:
    """Returns the convolution of x with zero padding.

    Args:
        x: (batch, *spatial, channels), or (batch, channels, *spatial) with `channels_first`.
        kernel: (*kernel_size, channels / groups, filters); the filters are sorted by group.
        geometry: the geometry of the window.
        groups: the number of groups.
        data_format: `channels_last` or `channels_first`.
    """
    if keras.backend.backend() != "tensorflow":
        x, geometry = _ready(x, geometry, 2 if data_format == "channels_first" else 1)
        return _primitive(x, kernel, geometry, data_format)
    last = len(x.shape) - 1
    if data_format == "channels_first":
        x = ops.transpose(x, (0, *range(2, last + 1), 1))
    if x.shape[0] == 0:
        y = _nothing(x, kernel, geometry)
    elif max(geometry.strides) > 1 and max(geometry.dilations) > 1:
        y = _phases(x, kernel, geometry, groups)
    else:
        y = _grouped(*_ready(x, geometry, 1), kernel, groups)
    return ops.transpose(y, (0, last, *range(1, last))) if data_format == "channels_first" else y


def constant_pad(x: Any, pairs: tuple[Pair, ...], axis: int, value: float = 0.0) -> Any:
    """Returns x with `value` around its spatial axes, which start at `axis`, in one fast copy."""
    return ops.pad(x, ((0, 0),) * axis + pairs + ((0, 0),) * (2 - axis), constant_values=value)


def _primitive(x: Any, kernel: Any, geometry: Geometry, data_format: str = "channels_last") -> Any:
    return ops.conv(x, kernel, geometry.strides, geometry.padding, data_format, geometry.dilations)


def _ready(x: Any, geometry: Geometry, axis: int) -> tuple[Any, Geometry]:
    """Returns x and the primitive's own `valid` or `same`; x is padded only if neither applies."""
    if geometry.padding in ("valid", "same"):
        return x, geometry
    sizes = ops.shape(x)[axis : axis + len(geometry.strides)]
    pairs, same = geometry.pairs(sizes), replace(geometry, padding="same")
    known = max(geometry.strides) == 1 or all(isinstance(size, int) for size in sizes)
    if known and pairs == same.pairs(sizes):
        return x, same
    return constant_pad(x, pairs, axis), replace(geometry, padding="valid")


def _grouped(x: Any, geometry: Geometry, kernel: Any, groups: int) -> Any:
    """Returns the convolution of each group of channels, channels last and `valid` or `same`, on TensorFlow."""
    rank = len(geometry.strides)
    if kernel.shape[-2] == 1 and len(set(geometry.strides)) > 1:
        x, geometry = _moving(x, geometry)
    if max(geometry.kernel_size) == 1 < max(geometry.strides):
        x, geometry = _picked(x, geometry)
    if groups == 1:
        return _primitive(x, kernel, geometry)
    how = (geometry.strides, geometry.padding, "channels_last", geometry.dilations)
    if groups == x.shape[-1] and rank < 3 and len(set(geometry.strides)) == 1:
        return ops.depthwise_conv(x, ops.reshape(kernel, (*geometry.kernel_size, groups, -1)), *how)
    if rank < 3 and _differentiates_groups(keras.backend.standardize_dtype(x.dtype)):
        import tensorflow as tf

        padding = str(geometry.padding).upper()
        return tf.nn.convolution(x, kernel, geometry.strides, padding, dilations=geometry.dilations)
    parts = zip(ops.split(x, groups, axis=-1), ops.split(kernel, groups, axis=-1), strict=True)
    return ops.concatenate([_primitive(*part, geometry) for part in parts], axis=-1)


def _moving(x: Any, geometry: Geometry) -> tuple[Any, Geometry]:
    """Returns x and geometry without a stride along axes with only one position, where it has no effect.

    TensorFlow 2.21 with oneDNN returns zeros for some outputs with such a stride above 1, if a group has
    one channel and the strides differ. Sizes must be known.
    """
    sizes = tuple(x.shape[1:-1])
    if None in sizes or 1 not in geometry.outputs(sizes):
        return x, geometry
    single = [count == 1 for count in geometry.outputs(sizes)]
    ends = (slice(span if one else None) for span, one in zip(geometry.spans, single, strict=True))
    strides = tuple(1 if one else stride for stride, one in zip(geometry.strides, single, strict=True))
    x = constant_pad(x, geometry.pairs(sizes), 1)[(slice(None), *ends)]
    return x, replace(geometry, strides=strides, padding="valid")


def _picked(x: Any, geometry: Geometry) -> tuple[Any, Geometry]:
    """Returns the positions of a kernel with one tap, and a geometry of stride 1.

    TensorFlow 2.21 with oneDNN corrupts the heap in the backward pass of 8 to 16 channels, 1 x 1, stride 2, for a
    batch of 15 images of 28 x 28, in float32 and bfloat16; not with 16 channels or a batch of 16.
    """
    x = x[(slice(None), *(slice(None, None, stride) for stride in geometry.strides))]
    return x, replace(geometry, strides=(1,) * len(geometry.strides), padding="valid")


@functools.cache
def _differentiates_groups(dtype: str) -> bool:
    """Returns whether TensorFlow, as built for this machine, differentiates a grouped convolution of rank 1 or 2.

    With oneDNN it does, without it does not, and no public function says which, so it is tried once per process. The
    operation is called by name because `init_scope`, which leaves a graph, also stops every gradient tape.
    """
    import tensorflow as tf

    if dtype == "float64" and not tf.config.list_physical_devices("GPU"):
        return False  # oneDNN has no float64; a trial would only leave a warning in the log
    try:
        with tf.init_scope():
            y, kernel = tf.ones((1, 3, 3, 4), dtype), tf.ones((2, 2, 2, 4), dtype)
            tf.raw_ops.Conv2DBackpropInput(
                input_sizes=(1, 3, 3, 4), filter=kernel, out_backprop=y, strides=(1, 1, 1, 1), padding="SAME"
            )
    except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError):
        return False
    return True


def _nothing(x: Any, kernel: Any, geometry: Geometry) -> Any:
    """Returns the outputs of an empty batch, (0, *outputs, filters), with gradients that are zero, not missing."""
    outputs = geometry.outputs(ops.shape(x)[1:-1])
    taps, filters = math.prod(kernel.shape[:-1]), kernel.shape[-1]
    y = ops.matmul(ops.reshape(x, (0, taps)), ops.reshape(kernel, (taps, filters)))
    return ops.reshape(y, (0, *outputs, filters))


def _phases(x: Any, kernel: Any, geometry: Geometry, groups: int) -> Any:
    """Returns a convolution with stride s and dilation d, which TensorFlow does not support together.

    Every position i * s + m * d is a multiple of g = gcd(s, d), so the rest of x is dropped; then s and d have no
    common factor. Output i = d * j + r is output j of a convolution with stride s and dilation 1 over
    x[r * s :: d]: the d phases r are concatenated in the batch, and their outputs are interleaved.
    """
    sizes = ops.shape(x)[1:-1]
    outputs = geometry.outputs(sizes)
    common = tuple(map(math.gcd, geometry.strides, geometry.dilations))
    x = constant_pad(x, geometry.pairs(sizes), 1)[(slice(None), *(slice(None, None, g) for g in common))]
    strides = tuple(stride // g for stride, g in zip(geometry.strides, common, strict=True))
    dilations = tuple(dilation // g for dilation, g in zip(geometry.dilations, common, strict=True))
    dilated = [axis for axis, dilation in enumerate(dilations) if dilation > 1]
    for axis in dilated:
        windows = -(-outputs[axis] // dilations[axis]), geometry.kernel_size[axis], strides[axis]
        x = _unweave(x, axis + 1, dilations[axis], *windows)
    inner = Geometry(geometry.kernel_size, strides, (1,) * len(strides), "valid")
    y = _grouped(x, inner, kernel, groups)
    for axis in reversed(dilated):
        y = _weave(y, axis + 1, dilations[axis], outputs[axis])
    return y


def _unweave(x: Any, axis: int, phases: int, *windows: Any) -> Any:
    """Returns x[r * stride :: phases] of `axis`, r = 0 .. phases - 1, concatenated in the batch.

    Each is as long as its `windows`, (positions, kernel size, stride), require.
    """
    positions, kernel_size, stride = windows
    reach = ((positions - 1) * stride + kernel_size - 1) * phases + 1
    around = [(0, 0)] * len(x.shape)
    around[axis] = (0, (phases - 1) * stride + reach)  # at least as much as the last phase needs
    x = ops.pad(x, around)
    index = [slice(None)] * len(x.shape)
    parts = []
    for start in range(0, phases * stride, stride):
        index[axis] = slice(start, start + reach, phases)
        parts.append(x[tuple(index)])
    return ops.concatenate(parts, axis=0)


def _weave(y: Any, axis: int, phases: int, output: Any) -> Any:
    """Returns the phases in the batch as one axis again: output phases * j + r is output j of phase r."""
    batch, *rest = ops.shape(y)
    y = ops.moveaxis(ops.reshape(y, (phases, batch // phases, *rest)), 0, axis + 1)
    rest[axis - 1] *= phases
    index = [slice(None)] * (len(rest) + 1)
    index[axis] = slice(0, output)
    return ops.reshape(y, (batch // phases, *rest))[tuple(index)]
