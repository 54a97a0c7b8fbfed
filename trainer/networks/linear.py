"""No convolution: the logits are weighted sums of the input, so that the weights are one picture a class."""

import keras

from trainer.data.form import Form
from trainer.hparams import HParams
from trainer.networks import parts, remedy, size
from trainer.networks.network import Network, Stage

_LARGER = (remedy.SIZE,)  # what gives a network more parameters


def build(hparams: HParams, form: Form, outputs: int, policy: str = "float32") -> Network:
    """Returns an untrained network of one stage.

    Its input is `(batch, *sizes, channels)` of raw values; its output is `(batch, outputs)`, float32. The kernel of its
    layer `logits` is `(positions * channels, outputs)`, which `(*sizes, channels, outputs)` is a view of.

    Args:
      hparams: the network's flags.
      form: what one sample is.
      outputs: how many numbers the last layer gives, such as one logit for each class.
      policy: Keras's name of the dtype policy of every layer but the last.

    Raises:
      UsageError: the weights would not fit in memory; the message names the flag.
    """
    layers = _layers(form, outputs, policy)
    parameters = size.parameters(layers, form.shape)
    remedy.check_parameters(parameters, hparams, form, _LARGER, lambda _, form: _count(form, outputs))
    model = keras.Sequential([keras.Input(form.shape, name="image"), *layers], name="linear_network")
    return Network(model, (Stage(hparams.epochs),))


def _layers(form: Form, outputs: int, policy: str) -> list[keras.layers.Layer]:
    flatten = keras.layers.Flatten(name="flatten", dtype=policy)
    return [parts.scale(form, policy), flatten, parts.logits(outputs)]


def _count(form: Form, outputs: int) -> int:
    return size.parameters(_layers(form, outputs, "float32"), form.shape)
