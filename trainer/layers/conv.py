"""Conv1D, Conv2D, Conv3D: O(i) = sum over m of K(m) * I(i * stride + m * dilation), per group of channels.

    input -> border (a padding mode) -> convolution (the framework's) -> + bias -> activation

Arguments are normalised in `__init__`. The output shape and the number of multiply-adds follow from integers alone, so
they are known before any weight exists.
"""

import math
from dataclasses import replace
from typing import Any, ClassVar

import keras
from keras import activations, constraints, initializers, ops, regularizers

from trainer.layers import border, primitive
from trainer.layers import padding as pads

Shape = tuple[int | None, ...]


class _Conv(keras.layers.Layer):
    """A convolution of `rank` spatial axes.

    Args:
        filters: output channels.
        kernel_size: an integer, or one per axis.
        strides: an integer, or one per axis.
        padding: `valid`, `same` (TensorFlow's convention at any stride), `causal` (the first spatial axis; the
            others `same`), an integer, one per axis, or one (before, after) pair per axis.
        data_format: `channels_last` or `channels_first`; by default, Keras's setting.
        dilation_rate: an integer, or one per axis; it and `strides` may both be above 1.
        groups: the number of independent convolutions that share the channels; a depthwise convolution has one group
            per channel.
        padding_mode: `zeros`, `constant`, `replicate`, `symmetric`, `reflect` or `circular`; see `padding.py`.
        padding_value: the value of the border; for `constant` only.

    The other arguments are those of `keras.layers.Conv2D`.
    """

    rank: ClassVar[int]

    def __init__(  # noqa: PLR0917 - Keras's arguments in Keras's order
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: Any = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        *,
        padding_mode: str = "zeros",
        padding_value: float = 0.0,
        name: str | None = None,
        dtype: Any = None,
        trainable: bool = True,
    ) -> None:
        super().__init__(name=name, dtype=dtype, trainable=trainable, activity_regularizer=activity_regularizer)
        positive = "must be a positive integer"
        self.filters = pads.integer(filters, "filters", positive, 1, filters)
        self.groups = pads.integer(groups, "groups", positive, 1, groups)
        if self.filters % self.groups:
            raise ValueError(f"`filters` must be a multiple of groups={groups}. Received: filters={filters!r}")
        self.kernel_size = pads.per_axis(kernel_size, self.rank, "kernel_size")
        self.strides = pads.per_axis(strides, self.rank, "strides")
        self.dilation_rate = pads.per_axis(dilation_rate, self.rank, "dilation_rate")
        self.padding = pads.canonical(padding, self.rank)
        self._geometry = pads.Geometry(self.kernel_size, self.strides, self.dilation_rate, self.padding)
        pads.check_mode(padding_mode, padding_value, self.padding)
        self.padding_mode = padding_mode
        self.padding_value = float(padding_value)
        self.data_format = keras.config.image_data_format() if data_format is None else data_format
        if self.data_format not in ("channels_last", "channels_first"):
            raise ValueError(
                f"`data_format` must be channels_last or channels_first. Received: data_format={data_format!r}"
            )
        if self.quantization_mode is not None:
            raise ValueError(f"`dtype` must not quantise: this layer has no such form. Received: dtype={dtype!r}")
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.input_spec = keras.layers.InputSpec(ndim=self.rank + 2)

    @property
    def receptive_field(self) -> tuple[int, ...]:
        """The number of input elements per axis that one output element of this layer depends on."""
        return self._geometry.spans

    def build(self, input_shape: Shape) -> None:
        """Creates `kernel`, (*kernel_size, channels / groups, filters), and `bias`, (filters,)."""
        channels = self._channels(input_shape)
        self.compute_output_shape(input_shape)
        self.input_spec = keras.layers.InputSpec(ndim=self.rank + 2, axes={1 if self._first else -1: channels})
        self.kernel = self.add_weight(
            name="kernel",
            shape=(*self.kernel_size, channels // self.groups, self.filters),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            trainable=True,
            dtype=self.dtype,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(self.filters,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                trainable=True,
                dtype=self.dtype,
            )

    def call(self, inputs: Any) -> Any:
        """Returns activation(convolution + bias) of (batch, *spatial, channels), or channels first."""
        x, geometry = inputs, self._geometry
        if self.padding_mode != "zeros":
            pairs = geometry.pairs(tuple(ops.shape(x)[self._axis : self._axis + self.rank]))
            if self.padding_mode == "constant":
                x = primitive.constant_pad(x, pairs, self._axis, self.padding_value)
            else:
                x = border.pad(x, pairs, self.padding_mode, self._axis)
            geometry = replace(geometry, padding="valid")
        outputs = primitive.convolve(x, self.kernel, geometry, self.groups, self.data_format)
        if self.use_bias:
            outputs = self._with_bias(outputs)
        return outputs if self.activation is None else self.activation(outputs)

    def _with_bias(self, outputs: Any) -> Any:
        if self._first:
            # Not `ops.add`: Keras 3.15 treats (1, filters, 1) as a bias of the last axis if that has the same length.
            return outputs + ops.reshape(self.bias, (1, self.filters, *(1,) * self.rank))
        return ops.add(outputs, ops.reshape(self.bias, (*(1,) * (self.rank + 1), self.filters)))

    @property
    def _axis(self) -> int:
        """The first spatial axis."""
        return 2 if self._first else 1

    @property
    def _first(self) -> bool:
        return bool(self.data_format == "channels_first")

    def _spatial(self, shape: Shape) -> Shape:
        if len(shape) != self.rank + 2:
            raise ValueError(f"`input_shape` must have {self.rank + 2} axes. Received: input_shape={shape!r}")
        return tuple(shape[2:] if self._first else shape[1:-1])

    def _channels(self, shape: Shape) -> int:
        channels = shape[1 if self._first else -1]
        if channels is None or channels % self.groups:
            raise ValueError(
                f"`input_shape` must have channels that are a multiple of groups={self.groups}. "
                f"Received: input_shape={shape!r}"
            )
        return channels

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Returns the shape of the output; an unknown size remains unknown."""
        # An unknown size is replaced by 1, because the axes are independent.
        sizes = [1 if size is None else size for size in self._spatial(input_shape)]
        pairs = self._geometry.pairs(sizes)
        outputs: list[int | None] = list(self._geometry.outputs(sizes))
        for axis, size in enumerate(self._spatial(input_shape)):
            if size is None:
                outputs[axis] = None
            else:
                self._check(axis, size, pairs[axis], outputs[axis])
        if self._first:
            return (input_shape[0], self.filters, *outputs)
        return (input_shape[0], *outputs, self.filters)

    def _check(self, axis: int, size: int, pair: pads.Pair, output: Any) -> None:
        pads.check_reach(self.padding_mode, size, pair, axis)
        if output < 1:
            raise ValueError(
                f"`input_shape` must leave at least 1 output on spatial axis {axis} for a kernel of "
                f"{self.kernel_size[axis]}, dilation {self.dilation_rate[axis]}, stride {self.strides[axis]} and "
                f"padding {pair}. Received: size {size}"
            )

    def parameters(self, input_shape: Shape) -> int:
        """Returns the number of weights of kernel and bias for this input shape."""
        taps = math.prod(self.kernel_size) * self._channels(input_shape) // self.groups
        return self.filters * (taps + bool(self.use_bias))

    def multiply_adds(self, input_shape: Shape) -> int:
        """Returns the exact number of multiply-adds per sample, including those with padding."""
        outputs = self._spatial(self.compute_output_shape(input_shape))
        if None in outputs:
            raise ValueError(f"`input_shape` must have known spatial sizes. Received: input_shape={input_shape!r}")
        taps = math.prod(self.kernel_size) * self._channels(input_shape) // self.groups
        return math.prod(outputs) * taps * self.filters  # type: ignore[arg-type]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, serialised."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
            "groups": self.groups,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
            "padding_mode": self.padding_mode,
            "padding_value": self.padding_value,
        }


@keras.saving.register_keras_serializable(package="trainer")
class Conv1D(_Conv):
    """Convolution over (batch, steps, channels)."""

    rank = 1


@keras.saving.register_keras_serializable(package="trainer")
class Conv2D(_Conv):
    """Convolution over (batch, height, width, channels)."""

    rank = 2


@keras.saving.register_keras_serializable(package="trainer")
class Conv3D(_Conv):
    """Convolution over (batch, depth, height, width, channels)."""

    rank = 3
