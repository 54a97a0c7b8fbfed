"""A network of convolutions with increasing filters, one max pooling, one hidden dense layer, and the logits."""

import math

import keras

from trainer.data.form import Form
from trainer.errors import UsageError
from trainer.hparams import HParams, Value
from trainer.layers import Dropout
from trainer.networks import parts, remedy, size
from trainer.networks.network import Network, Stage

_POOL = 2
_MONOTONE = ("relu", "leaky_relu", "elu", "selu", "tanh", "sigmoid", "softplus")

# The flags that increase the size of the maps, in the order in which a user would rather change them.
_ROOMIER: dict[str, Value] = {
    "stride": 1,
    "padding": "same",
    "dilation_rate": 1,
    "kernel_size": 1,
    "depth": 1,
    remedy.SIZE: math.inf,
}
_LARGER = (remedy.SIZE, "filters", "depth", "kernel_size", "dense_units")  # the flags that add parameters


def build(hparams: HParams, form: Form, outputs: int, policy: str = "float32") -> Network:
    """Returns an untrained network of one stage.

    Its input is `(batch, *sizes, channels)` of raw values, which its first layer scales; its output is
    `(batch, outputs)`, float32.

    Args:
      hparams: the network's flags.
      form: the form of a sample.
      outputs: the number of units of the last layer, such as one logit per class.
      policy: the name of Keras's dtype policy for every layer except the last.

    Raises:
      UsageError: a map becomes empty, or the weights would not fit in memory; the message names the flag.
    """
    unbuilt = layers(hparams, form, outputs, policy)
    model = keras.Sequential([keras.Input(form.shape, name="image"), *unbuilt], name="convolutional_network")
    return Network(model, (Stage(hparams.epochs),))


def layers(hparams: HParams, form: Form, outputs: int, policy: str = "float32") -> list[keras.layers.Layer]:
    """Returns the layers of `build`, without weights.

    Raises:
      UsageError: as `build`.
    """
    _check_maps(hparams, form)
    unbuilt = _layers(hparams, form, outputs, policy)  # only once: each layer uses Python's random generator
    parameters = size.parameters(unbuilt, form.shape)
    remedy.check_parameters(parameters, hparams, form, _LARGER, lambda hparams, form: _count(hparams, form, outputs))
    return unbuilt


def _layers(hparams: HParams, form: Form, outputs: int, policy: str) -> list[keras.layers.Layer]:
    # A monotonic function commutes with the maximum, and costs a quarter after the pooling: 3 % of a step in float32,
    # 6 % in bfloat16.
    late = hparams.activation in _MONOTONE
    # Dropout of whole maps: a random number for each pixel took 12 % of the step and did not reduce the error.
    return [
        parts.scale(form, policy),
        *_maps(hparams, form.rank, policy, late),
        *([keras.layers.Activation(hparams.activation, name="activation", dtype=policy)] if late else []),
        Dropout(hparams.dropout, whole_maps=True, seed=hparams.seed + 1, name="map_dropout", dtype=policy),
        keras.layers.Flatten(name="flatten", dtype=policy),
        keras.layers.Dense(hparams.dense_units, activation=hparams.activation, name="dense", dtype=policy),
        Dropout(hparams.dropout, seed=hparams.seed + 2, name="unit_dropout", dtype=policy),
        parts.logits(outputs),
    ]


def _maps(hparams: HParams, rank: int, policy: str = "float32", late: bool = False) -> list[keras.layers.Layer]:
    """Returns the convolutions and the pooling; if `late`, the last convolution has no activation."""
    convolutions = [
        parts.CONVOLUTIONS[rank](
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
    return [*convolutions, parts.MAX_POOLINGS[rank](_POOL, name="pool", dtype=policy)]


def _check_maps(hparams: HParams, form: Form) -> None:
    if _leaves_maps(hparams, form):
        return
    found, noun = remedy.find(hparams, form, _ROOMIER, _leaves_maps), remedy.NOUNS[form.rank]
    if found:
        raise UsageError(
            f"`--{found.flag}` must leave every map at least one position, which needs another value here "
            f"({found.value} would do) on {noun} of {form}. Received: {found.received}"
        )
    roomier = [remedy.named(flag, form) for flag in _ROOMIER]
    flags = [flag for flag in roomier if remedy.is_given(hparams, flag)]
    values = ", ".join(str(getattr(hparams, flag)) for flag in flags)
    raise UsageError(
        f"{remedy.listed(flags)} must leave every map at least one position; together they do not on {noun} of {form}. "
        f"Received: {values}"
    )


def _count(hparams: HParams, form: Form, outputs: int) -> int:
    """Returns the number of weights of the network; None if it cannot be built."""
    if not _leaves_maps(hparams, form):
        return 0
    return size.parameters(_layers(hparams, form, outputs, "float32"), form.shape)


def _leaves_maps(hparams: HParams, form: Form) -> bool:
    try:
        size.parameters(_maps(hparams, form.rank), form.shape)
    except ValueError:
        return False
    return True
