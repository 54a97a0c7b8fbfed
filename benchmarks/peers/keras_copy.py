"""A copy of a network of this package with Keras's own layers, as a Keras user would write it."""

import math

import keras

from benchmarks.peers.setting import SEED, Setting
from trainer import networks
from trainer.data.form import Form
from trainer.hparams import HParams
from trainer.layers import Conv1D, Conv2D, Conv3D, Dropout

_CONVOLUTIONS = {Conv1D: keras.layers.Conv1D, Conv2D: keras.layers.Conv2D, Conv3D: keras.layers.Conv3D}
_OURS = ("padding_mode", "padding_value")  # arguments that only our convolutions have


def build(setting: Setting, input_shape: tuple[int, ...], classes: int) -> keras.Model:
    """Returns the network that the engine trains with the flags of `benchmarks.peers.engine`, not compiled.

    Args:
      setting: the model, filters and precision.
      input_shape: `(*sizes, channels)` of samples with mean 0 and standard deviation 1.
      classes: the number of logits.
    """
    *sizes, channels = input_shape
    form = Form(tuple(sizes), channels, -math.inf, math.inf, (0.0,) * channels, (1.0,) * channels)
    hparams = HParams(
        model=setting.model, filters=setting.filters, dropout=0, seed=SEED, epochs=1, batch_size=setting.batch
    )
    policy = setting.precision if setting.precision == "float32" else f"mixed_{setting.precision}"
    ours = networks.build(hparams, form, classes, policy).model
    return keras.models.clone_model(ours, clone_function=_plain)


def _plain(layer: keras.layers.Layer) -> keras.layers.Layer:
    """Returns the Keras layer for one of ours, and a copy of any other layer."""
    config = layer.get_config()
    if isinstance(layer, Dropout):
        return keras.layers.Dropout(layer.rate, name=layer.name, dtype=layer.dtype_policy)
    theirs = _CONVOLUTIONS.get(type(layer))
    if theirs is None:
        return type(layer).from_config(config)
    return theirs.from_config({name: value for name, value in config.items() if name not in _OURS})
