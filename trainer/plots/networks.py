"""What a network has learned: its kernels and feature maps, as TensorBoard shows them."""

from typing import Any

import numpy as np
from PIL import Image

from trainer.insight import choice
from trainer.insight.graph import kernel_of
from trainer.insight.observer import Examples, Observer
from trainer.insight.opened import inside
from trainer.tensorboard.draw import maps, sheets
from trainer.tensorboard.draw.kernels import filters
from trainer.tensorboard.draw.scale import IMAGES, Scale
from trainer.tensorboard.draw.sheets import Array


def kernels(model: Any) -> Image.Image:
    """Returns the kernels of a model's convolutions, of one to three dimensions.

    A deep model has more convolutions than one picture can show; `trainer.insight.choice` selects some.

    Args:
      model: a Sequential or functional model.

    Raises:
      ValueError: the model has no convolutions.
    """
    layers = choice.kernels(inside(model))
    if not layers:
        raise ValueError(f"`model` must have a convolution. Received: {model.name}")
    pictures = [
        filters(kernel_of(layer), name, is_first=index == 0) for index, (name, layer) in enumerate(layers.items())
    ]
    return Image.fromarray(sheets.below(pictures))


def feature_maps(model: Any, samples: Array, title: str = "", scale: Scale = IMAGES) -> Image.Image:
    """Returns the feature maps of the first sample; a filter that is constant for all samples is crossed out.

    Args:
      model: a Sequential or functional model from samples to logits.
      samples: `(count, *spatial, channels)`, of one to three spatial axes. At most 32 are used.
      title: above it all.
      scale: of the samples; by default pixels from 0 to 255.
    """
    look = Observer(model, Examples(samples, np.zeros(len(samples), np.int64), [""])).look()
    firsts = {name: outputs[0] for name, outputs in look.maps.items()}
    return Image.fromarray(maps.feature_maps(samples[0], firsts, look.dead(), title, scale))
