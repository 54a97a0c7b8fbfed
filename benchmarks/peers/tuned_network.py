"""The network of the peers' studies, as a Keras user writes it: the layers of this package's network."""

from collections.abc import Mapping
from typing import Any

import keras


def build(values: Mapping[str, Any], input_shape: tuple[int, ...], classes: int) -> keras.Model:
    """Returns the network with the values of a trial, compiled."""
    convolution = {
        "kernel_size": int(values.get("kernel_size", 3)),
        "strides": int(values.get("stride", 1)),
        "padding": values.get("padding", "same"),
        "activation": "relu",
    }
    filters = int(values.get("filters", 32))
    model = keras.Sequential(
        [
            keras.Input(input_shape),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(filters, **convolution),
            keras.layers.Conv2D(2 * filters, **convolution),
            keras.layers.MaxPooling2D(),
            keras.layers.SpatialDropout2D(0.3),
            keras.layers.Flatten(),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(classes),
        ]
    )
    model.compile(
        keras.optimizers.Adam(values.get("learning_rate", 2e-3)),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model
