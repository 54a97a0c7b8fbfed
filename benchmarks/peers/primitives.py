"""The bare convolutions, matrix products and pooling of one training step, one after the other.

Biases, activations, casts, loss, metrics, optimizer and input are left out: their sum is the time of a step without any
overhead. The first layer has no gradient with respect to its input, as in training.
"""

from collections.abc import Callable, Sequence

import tensorflow as tf

from benchmarks.peers.setting import Setting

_KERNEL = 3
_POOL = 2
_DENSE_UNITS = 128
_SEED = (0, 0)

Work = Callable[[], object]


def graph(input_shape: Sequence[int], setting: Setting, classes: int, dtype: str) -> Work:
    """Returns the primitives as one graph, whose call returns when their work is done.

    It is one graph because twelve calls would cost 3 ms of about 45 that are not spent in primitives.

    Args:
      input_shape: `(height, width, channels)`.
      setting: the batch size and the filters.
      classes: the number of classes.
      dtype: the type of all computation, except the logits' layer, which is float32.
    """
    primitives = _primitives(input_shape, setting, classes, dtype)

    @tf.function(autograph=False)
    def in_turn() -> list[tf.Tensor]:
        ends: list[tf.Tensor] = []
        for primitive in primitives:
            with tf.control_dependencies(ends[-1:]):
                ends.append(tf.reshape(primitive(), [-1])[0])  # unused results would not be computed
        return ends

    return in_turn


def _primitives(input_shape: Sequence[int], setting: Setting, classes: int, dtype: str) -> list[Work]:
    """Returns the primitives in the order of the layers, each one operation, or two for the pooling."""
    height, width, channels = input_shape
    filters = setting.filters
    features = height // _POOL * (width // _POOL) * 2 * filters
    parts = [
        _convolution((setting.batch, height, width, channels), filters, dtype, with_input_gradient=False),
        _convolution((setting.batch, height, width, filters), 2 * filters, dtype, with_input_gradient=True),
        [_pooling((setting.batch, height, width, 2 * filters), dtype)],
        _product((setting.batch, features), _DENSE_UNITS, dtype),
        _product((setting.batch, _DENSE_UNITS), classes, "float32"),
    ]
    return [primitive for part in parts for primitive in part]


def _convolution(shape: tuple[int, ...], filters: int, dtype: str, with_input_gradient: bool) -> list[Work]:
    """Returns the forward pass and the gradients of a convolution of `(batch, height, width, channels)`."""
    kernel_shape = (_KERNEL, _KERNEL, shape[-1], filters)
    images, kernel, gradient = (_uniform(each, dtype) for each in (shape, kernel_shape, (*shape[:-1], filters)))
    same = {"strides": (1, 1, 1, 1), "padding": "SAME"}

    def forward() -> tf.Tensor:
        return tf.raw_ops.Conv2D(input=images, filter=kernel, **same)

    def by_kernel() -> tf.Tensor:
        return tf.raw_ops.Conv2DBackpropFilter(input=images, filter_sizes=kernel_shape, out_backprop=gradient, **same)

    def by_input() -> tf.Tensor:
        return tf.raw_ops.Conv2DBackpropInput(input_sizes=shape, filter=kernel, out_backprop=gradient, **same)

    return [forward, by_kernel, *([by_input] if with_input_gradient else [])]


def _pooling(shape: tuple[int, ...], dtype: str) -> Work:
    """Returns the forward pass and the gradient of a pooling in one: oneDNN's gradient needs its forward workspace."""
    images = _uniform(shape, dtype)
    gradient = _uniform((shape[0], shape[1] // _POOL, shape[2] // _POOL, shape[3]), dtype)

    def both() -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(images)
            pooled = tf.nn.max_pool2d(images, _POOL, _POOL, "VALID")
        return tape.gradient(pooled, images, gradient)

    return both


def _product(shape: tuple[int, int], units: int, dtype: str) -> list[Work]:
    """Returns the forward pass and both gradients of a dense layer of `(batch, features)`."""
    inputs, kernel, gradient = (_uniform(each, dtype) for each in (shape, (shape[1], units), (shape[0], units)))

    def forward() -> tf.Tensor:
        return tf.matmul(inputs, kernel)

    def by_kernel() -> tf.Tensor:
        return tf.matmul(inputs, gradient, transpose_a=True)

    def by_input() -> tf.Tensor:
        return tf.matmul(gradient, kernel, transpose_b=True)

    return [forward, by_kernel, by_input]


def _uniform(shape: Sequence[int], dtype: str) -> tf.Tensor:
    return tf.cast(tf.random.stateless_uniform(shape, _SEED, -1.0, 1.0), dtype)
