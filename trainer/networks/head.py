"""Joins preprocessing, a backbone and a new head to one network."""

from collections.abc import Collection, Sequence

import keras

from trainer.data.form import Form
from trainer.hparams import HParams
from trainer.layers import Dropout

_NAME = "pretrained_network"
_OWN = ("image", "preprocessing", "pool", "dropout", "logits")  # the names of the layers around the backbone


def attach(
    hparams: HParams,
    form: Form,
    outputs: int,
    backbone: keras.Model,
    *,
    policy: str,
    before: Sequence[keras.layers.Layer] = (),
) -> keras.Model:
    """Returns a functional model: the layers before the backbone, the backbone as one layer, pooling, dropout, logits.

    Args:
      hparams: `dropout` and `seed`.
      form: the form of a sample.
      outputs: the number of logits.
      backbone: a model from `(batch, *sizes, channels)` to maps of the same rank, which are averaged over their
        positions, or to `(batch, features)`. Its name must differ from the layers around it; see `unused`.
      policy: the name of Keras's dtype policy for the pooling and the dropout.
      before: the layers before the backbone, which receive the raw values.
    """
    inputs = keras.Input(form.shape, name="image")
    x = inputs
    for layer in (*before, backbone):
        x = layer(x)
    if len(x.shape) == 4:
        x = keras.layers.GlobalAveragePooling2D(name="pool", dtype=policy)(x)
    x = Dropout(hparams.dropout, seed=hparams.seed + 1, name="dropout", dtype=policy)(x)
    return keras.Model(inputs, keras.layers.Dense(outputs, dtype="float32", name="logits")(x), name=_NAME)


def unused(name: str, taken: Collection[str] = _OWN) -> str:
    """Returns a name for a backbone that no layer around it has."""
    while name in taken:
        name += "_1"
    return name
