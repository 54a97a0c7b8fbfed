"""A linear network: the logits are weighted sums of the input, so the weights of each class are one picture."""

import keras

from trainer.data.form import Form
from trainer.hparams import HParams
from trainer.networks import parts, remedy, size
from trainer.networks.network import Network, Stage

_LARGER = (remedy.SIZE,)  # the flags that add parameters


def build(hparams: HParams, form: Form, outputs: int, policy: str = "float32") -> Network:
    """Returns an untrained network of one stage.

    Its input is `(batch, *sizes, channels)` of raw values; its output is `(batch, outputs)`, float32. The kernel of its
    layer `logits` is `(positions * channels, outputs)`, which can be reshaped to `(*sizes, channels, outputs)`.

    Args:
      hparams: the network's flags.
      form: the form of a sample.
      outputs: the number of units of the last layer, such as one logit per class.
      policy: the name of Keras's dtype policy for every layer except the last.

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
