"""The first and last layers of this package's own networks."""

import keras

from trainer.data.form import Form
from trainer.layers import Conv1D, Conv2D, Conv3D

# By rank.
CONVOLUTIONS = {1: Conv1D, 2: Conv2D, 3: Conv3D}
MAX_POOLINGS = {1: keras.layers.MaxPooling1D, 2: keras.layers.MaxPooling2D, 3: keras.layers.MaxPooling3D}
GLOBAL_AVERAGES = {
    1: keras.layers.GlobalAveragePooling1D,
    2: keras.layers.GlobalAveragePooling2D,
    3: keras.layers.GlobalAveragePooling3D,
}


def scale(form: Form, policy: str) -> keras.layers.Layer:
    """Returns the first layer: it scales values to the range 0 to 1, or to mean 0 and standard deviation 1 per channel.

    The standardisation is computed in float32 under every policy: lower precision cannot separate values far from 0.
    """
    if form.spread:
        factors = [1 / spread for spread in form.spread]
        offsets = [0.0 - centre * factor for centre, factor in zip(form.centre, factors, strict=True)]
        return keras.layers.Rescaling(factors, offsets, name="scale", dtype="float32")
    factor = 1 / (form.high - form.low)
    return keras.layers.Rescaling(factor, 0.0 - form.low * factor, name="scale", dtype=policy)


def logits(outputs: int) -> keras.layers.Layer:
    """Returns the last layer, which computes the outputs in float32."""
    return keras.layers.Dense(outputs, dtype="float32", name="logits")
