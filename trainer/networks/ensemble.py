"""Several networks as one, which predicts the mean of their predictions."""

from collections.abc import Sequence

import keras

from trainer.layers import AveragePredictions
from trainer.networks import custom


def combined(models: Sequence[keras.Model], activation: str) -> keras.Model:
    """Returns one network from raw values to the outputs of the mean prediction.

    Args:
      models: all with the same shapes of input and output; they are copied.
      activation: that turns their outputs into predictions, as in `trainer.layers.AveragePredictions`.
    """
    inputs = keras.Input(models[0].input_shape[1:])
    outputs = [_named(model, f"member_{number}")(inputs) for number, model in enumerate(models, 1)]
    return keras.Model(inputs, AveragePredictions(activation)(outputs), name="ensemble")


def _named(model: keras.Model, name: str) -> keras.Model:
    """Returns a copy of a model with another name: the names of a model's layers differ."""
    with keras.saving.custom_object_scope(custom.objects(model)), custom.recorded():
        copy = custom.complete(type(model).from_config({**model.get_config(), "name": name}))
    copy.set_weights(model.get_weights())
    return copy
