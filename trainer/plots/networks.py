"""What a network has learned: its kernels and feature maps, as TensorBoard shows them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from trainer.insight import choice
from trainer.insight import concepts as factorised
from trainer.insight import exciting as excitation
from trainer.insight import visualisation as ascent
from trainer.insight.graph import kernel_of
from trainer.insight.observer import Examples, Observer
from trainer.insight.opened import inside
from trainer.plots.sheets import beside
from trainer.tensorboard.draw import concepts as concepts_sheet
from trainer.tensorboard.draw import exciting as exciting_sheet
from trainer.tensorboard.draw import maps, sheets
from trainer.tensorboard.draw import visualisation as visualisation_sheet
from trainer.tensorboard.draw.kernels import filters
from trainer.tensorboard.draw.scale import IMAGES, Scale
from trainer.tensorboard.draw.sheets import Array

_SPREAD = 3.0  # of a standardised value
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


def exciting(
    model: Any, samples: Array, names: Sequence[str] = (), scale: Scale = IMAGES, *, filters: int = 6, patches: int = 4
) -> Image.Image:
    """Returns the patches of samples that excite the strongest filters of each convolution most, beside the kernels.

    Args:
      model: a Sequential or functional model.
      samples: `(count, *spatial, channels)`, of one to three spatial axes.
      names: the convolutions; by default all, or of a deep model those that `trainer.insight.choice` selects.
      scale: of the samples; by default pixels from 0 to 255.
      filters: of a convolution, at most.
      patches: of a filter, at most.

    Raises:
      ValueError: the model has no convolution of a name whose receptive field is known.
    """
    found = excitation.exciting(model, samples, names, filters, patches)
    pictures = [exciting_sheet.exciting(name, one, scale) for name, one in found.items()]
    rows = [beside(pictures[index : index + _IN_ROW]) for index in range(0, len(pictures), _IN_ROW)]
    return Image.fromarray(sheets.below(rows))


def visualised(
    model: Any,
    layer: str = "",
    units: Sequence[int] = (0,),
    scale: Scale = IMAGES,
    *,
    captions: Sequence[str] = (),
    steps: int = 128,
    seconds: float = 60.0,
) -> Image.Image:
    """Returns, for filters of a convolution or for classes, the input that excites each most.

    Args:
      model: a Sequential or functional model from samples of one size to logits.
      layer: the convolution; by default the units are classes.
      units: the numbers of its filters, or of classes.
      scale: of the samples; by default pixels from 0 to 255. Without bounds, an input has values from -3 to 3.
      captions: one for each unit; by default its number.
      steps: of the gradient ascent.
      seconds: after which no further step begins.

    Raises:
      ValueError: the model has no such convolution or unit.
    """
    limits = (scale.low, scale.high) if np.isfinite((scale.low, scale.high)).all() else (-_SPREAD, _SPREAD)
    made = ascent.visualised(
        model, [ascent.Target(unit, layer) for unit in units], limits, steps=steps, seconds=seconds
    )
    said = captions or [f"{'filter' if layer else 'class'} {unit}" for unit in units]
    title = f"{layer or 'classes'}: {made.steps} steps of ascent from noise"
    return Image.fromarray(visualisation_sheet.visualised(made.inputs, said, title, scale))


def concepts(
    model: Any, samples: Array, captions: Sequence[str] = (), count: int = 4, scale: Scale = IMAGES
) -> Image.Image:
    """Returns samples under the concepts that the maps of the last convolution are sums of, one colour for each.

    Args:
      model: a Sequential or functional model from samples to logits.
      samples: `(count, *spatial, channels)`, of one to three spatial axes. At most 32 are used.
      captions: one for each sample.
      count: of concepts, at most eight.
      scale: of the samples; by default pixels from 0 to 255.

    Raises:
      ValueError: the model has no convolution.
    """
    look = Observer(model, Examples(samples, np.zeros(len(samples), np.int64), [""])).look()
    wide = [name for name, each in look.maps.items() if np.prod(each.shape[1:-1]) > 1]
    if not wide:
        raise ValueError(f"`model` must have a convolution with more than one position. Received: {model.name}")
    found = factorised.concepts(look.maps[wide[-1]], count)
    seen = samples[: len(found.maps)]
    names = [f"concept {index}" for index in range(count)]
    title = f"{wide[-1]}: {count} concepts, which reproduce {found.explained:.0%} of its maps"
    said = captions[: len(seen)] or [""] * len(seen)
    over = found.over(samples.shape[1:-1])
    return Image.fromarray(concepts_sheet.concepts(seen, over, said, names=names, title=title, scale=scale))
