"""What the logit of a class depends on, for several samples."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np

from trainer.tensorboard.draw import decides
from trainer.tensorboard.draw.scale import IMAGES, Scale
from trainer.tensorboard.draw.sheets import Array

_WIDTHS = {1: 3.4, 2: 1.5, 3: 2.0}  # inches of a sample, by its rank
_NAMES, _TITLE = 0.4, 0.25  # inches


def attributions(samples: Array, maps: Mapping[str, Array], titles: Sequence[str] = (), scale: Scale = IMAGES) -> None:
    """Draws samples in a row, and below them one row for each method; red is evidence for a class, blue against it.

    Args:
      samples: `(count, *spatial, channels)`, of one to three spatial axes.
      maps: by method, `(count, *spatial)`; see `trainer.insight.attribution.Explainer`.
      titles: one for each sample.
      scale: of the samples; by default pixels from 0 to 255.
    """
    columns = [
        decides.tiles(seen, {name: values[index] for name, values in maps.items()}, scale)
        for index, seen in enumerate(samples)
    ]
    high, wide = columns[0][0].shape[:2]
    width = _WIDTHS[samples.ndim - 2]
    lines = max((title.count("\n") + 1 for title in titles), default=0)
    size = (width * len(columns) + _NAMES, (width * high / wide) * (len(maps) + 1) + _TITLE * lines)
    _, axes = plt.subplots(len(maps) + 1, len(columns), figsize=size, squeeze=False)
    for row, name in zip(axes, ["input", *maps], strict=True):
        row[0].set_ylabel(name.replace(" ", "\n"))
    for index, (column, tiles) in enumerate(zip(axes.T, columns, strict=True)):
        for axis, tile in zip(column, tiles, strict=True):
            axis.imshow(np.asarray(tile))
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
        if titles:
            column[0].set_title(titles[index])
