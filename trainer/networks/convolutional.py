"""The network: convolutions whose filters double, one max pooling, one hidden dense layer, one logit per class."""

import dataclasses
from typing import Any

import keras

from trainer.errors import UsageError
from trainer.hparams import HParams
from trainer.layers import Conv2D, Dropout

_MAXIMUM_PARAMETERS = 500_000_000  # with the gradient and Adam's two moments, 8 GB in float32
_POOL = 2
_MONOTONE = ("relu", "leaky_relu", "elu", "selu", "tanh", "sigmoid", "softplus")

# What gives a map more pixels, in the order in which a user would rather give it up.
_ROOMIER: dict[str, Any] = {"stride": 1, "padding": "same", "dilation_rate": 1, "kernel_size": 1, "depth": 1}


def build(hparams: HParams, input_shape: tuple[int, int, int], classes: int, policy: str = "float32") -> keras.Model:
    """Returns an untrained network.

    Its input is `(batch, height, width, channels)` of raw pixel values, 0 to 255, whose scaling is its first layer;
    its output is `(batch, classes)`, logits.

    Args:
      hparams: the network's flags.
      input_shape: `(height, width, channels)`.
      classes: the number of classes.
      policy: Keras's name of the dtype policy of every layer; the logits are float32 always.

    Raises:
      UsageError: a map shrinks to nothing, or the weights would not fit in memory; the message names the flag.
    """
    _check(hparams, input_shape, classes)
    # What never falls where its argument rises commutes with a maximum, and costs a quarter after the pooling: 3 % of a
    # step in float32, 6 % in bfloat16.
    late = hparams.activation in _MONOTONE
    # Whole maps are dropped: a random number for each pixel took 12 % of the step, and the errors were no fewer.
    layers = [
        keras.Input(input_shape, name="image"),
        keras.layers.Rescaling(1 / 255, name="scale", dtype=policy),
        *_convolutions(hparams, policy, late),
        keras.layers.MaxPooling2D(_POOL, name="pool", dtype=policy),
        *([keras.layers.Activation(hparams.activation, name="activation", dtype=policy)] if late else []),
        Dropout(hparams.dropout, whole_maps=True, seed=hparams.seed + 1, name="map_dropout", dtype=policy),
        keras.layers.Flatten(name="flatten", dtype=policy),
        keras.layers.Dense(hparams.dense_units, activation=hparams.activation, name="dense", dtype=policy),
        Dropout(hparams.dropout, seed=hparams.seed + 2, name="unit_dropout", dtype=policy),
        keras.layers.Dense(classes, dtype="float32", name="logits"),
    ]
    return keras.Sequential(layers, name="convolutional_network")


def _convolutions(hparams: HParams, policy: str = "float32", late: bool = False) -> list[Conv2D]:
    """Returns the convolutions; the last without its activation where that comes later."""
    return [
        Conv2D(
            hparams.filters * 2**index,
            hparams.kernel_size,
            strides=hparams.stride,
            padding=hparams.padding,
            dilation_rate=hparams.dilation_rate,
            activation="linear" if late and index + 1 == hparams.depth else hparams.activation,
            name=f"conv{index + 1}",
            dtype=policy,
        )
        for index in range(hparams.depth)
    ]


def _check(hparams: HParams, input_shape: tuple[int, int, int], classes: int) -> None:
    size = "x".join(map(str, input_shape[:2]))
    try:
        parameters = _count_parameters(hparams, input_shape, classes)
    except ValueError:
        for flag, value in _ROOMIER.items():
            if _fits(dataclasses.replace(hparams, **{flag: value}), input_shape):
                raise UsageError(
                    f"`--{flag}` must leave every map at least one pixel, which needs another value here "
                    f"({value} would do) on images of {size}. Received: {getattr(hparams, flag)}"
                ) from None
        raise UsageError(
            f"`--depth`, `--kernel_size` and `--stride` must leave every map at least one pixel; together they do not "
            f"on images of {size}. Received: {hparams.depth}, {hparams.kernel_size} and {hparams.stride}"
        ) from None
    if parameters > _MAXIMUM_PARAMETERS:
        raise UsageError(
            f"`--filters`, `--depth`, `--kernel_size` and `--dense_units` must make at most {_MAXIMUM_PARAMETERS:,} "
            f"parameters together. Received: {parameters:,}"
        )


def _fits(hparams: HParams, input_shape: tuple[int, int, int]) -> bool:
    try:
        _count_parameters(hparams, input_shape, classes=1)
    except ValueError:
        return False
    return True


def _count_parameters(hparams: HParams, input_shape: tuple[int, int, int], classes: int) -> int:
    """Returns the number of weights, by integers alone.

    Raises:
      ValueError: a map has no pixel.
    """
    shape: tuple[Any, ...] = (1, *input_shape)
    parameters = 0
    for layer in _convolutions(hparams):
        parameters += layer.parameters(shape)
        shape = layer.compute_output_shape(shape)
    height, width = (pixels // _POOL for pixels in shape[1:3])
    if not (height and width):
        raise ValueError(f"`input_shape` must leave the pooling {_POOL}x{_POOL} pixels. Received: {input_shape}")
    features = height * width * shape[3]
    return int(parameters + (features + 1) * hparams.dense_units + (hparams.dense_units + 1) * classes)
