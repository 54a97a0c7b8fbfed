"""What a network has learned: its kernels and feature maps, as TensorBoard shows them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from trainer.insight import choice
from trainer.insight.graph import kernel_of
from trainer.insight.observer import Examples, Observer
from trainer.insight.opened import inside
from trainer.plots.sheets import beside
from trainer.tensorboard.draw import maps, sheets
from trainer.tensorboard.draw.kernels import filters
from trainer.tensorboard.draw.scale import IMAGES, Scale
from trainer.tensorboard.draw.sheets import Array

_IN_ROW = 3  # layers, each at most as wide as a picture in TensorBoard


def kernels(model: Any, names: Sequence[str] = ()) -> Image.Image:
    """Returns the kernels of a model's convolutions, of one to three dimensions.

    Args:
      model: a Sequential or functional model.
      names: the convolutions; by default all, or of a deep model those that `trainer.insight.choice` selects.

    Raises:
      ValueError: the model has no convolutions, or none of a name.
    """
    found = choice.kernels(inside(model))
    if not found:
        raise ValueError(f"`model` must have a convolution. Received: {model.name}")
    if not set(names) <= set(found):
        raise ValueError(f"`names` must be some of {', '.join(found)}. Received: {', '.join(names)}")
    first = next(iter(found))
    pictures = [filters(kernel_of(found[name]), name, is_first=name == first) for name in names or found]
    rows = [beside(pictures[index : index + _IN_ROW]) for index in range(0, len(pictures), _IN_ROW)]
    return Image.fromarray(sheets.below(rows))


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
