"""Matrices of numbers as pictures: images, kernels, feature maps, connections."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from trainer.plots.style import DIVERGING, SEQUENTIAL
from trainer.tensorboard.draw.sheets import Array

_FEW = 12  # elements of an axis, below which they are separated by lines
_TITLE = 0.24  # inches of a line
_FRAME = "#b0b0b0"
_COLOURS = 3  # axes of a picture in color


def matrix(
    axis: Axes, values: Array, title: str = "", *, limit: float = 0.0, numbers: str = "", signed: bool | None = None
) -> None:
    """Draws a matrix: a signed one from blue, negative, through white, zero, to red; a picture from black to white.

    Args:
      axis: to draw on.
      values: `(rows, columns)`; a picture in color, `(rows, columns, 3)`, is drawn unchanged.
      title: above it.
      limit: the value of the last color; by default the largest one, of either sign.
      numbers: the format of the numbers in the elements, such as ".1f"; without one there are none.
      signed: whether the scale has negative values. A map without, such as the output of a ReLU, is drawn from black,
        zero, to yellow. By default, the matrix is a picture if it has no negative value.
    """
    axis.set(title=title, xticks=[], yticks=[])
    axis.spines[:].set(visible=True, color=_FRAME, linewidth=0.5)
    axis.grid(False)
    if values.ndim == _COLOURS and values.shape[-1] != 1:
        axis.imshow(values)
        return
    values = values.reshape(values.shape[:2])
    limit = limit or float(np.abs(values).max()) or 1.0
    if signed or (signed is None and values.min() < 0):
        axis.imshow(values, cmap=DIVERGING, vmin=-limit, vmax=limit)
        is_dark = np.abs(values) > 0.6 * limit
    else:
        axis.imshow(values, cmap="gray" if signed is None else SEQUENTIAL, vmin=0, vmax=limit)
        is_dark = values < 0.5 * limit
    if numbers:
        for (row, column), value in np.ndenumerate(values):
            ink = "white" if is_dark[row, column] else "black"
            axis.text(column, row, f"{value + 0.0:{numbers}}", color=ink, ha="center", va="center", size=9)
    if max(values.shape) < _FEW:
        _separate(axis, values.shape)


def images(
    pictures: Mapping[str, Array] | Sequence[Array],
    *,
    columns: int = 0,
    width: float = 10.0,
    limit: float = 0.0,
    numbers: str = "",
) -> None:
    """Draws pictures of one shape in rows, each under its title.

    Args:
      pictures: by title, or without titles; `(height, width)` or `(height, width, channels)` with one or three
        channels, see `matrix`.
      columns: pictures in a row; by default all.
      width: inches of a row.
      limit: as in `matrix`, for all pictures.
      numbers: as in `matrix`.
    """
    titles = [*pictures] if isinstance(pictures, Mapping) else [""] * len(pictures)
    drawn = [*pictures.values()] if isinstance(pictures, Mapping) else pictures
    columns = columns or len(drawn)
    rows, lines = -(-len(drawn) // columns), max(title.count("\n") + bool(title) for title in titles)
    tall, wide = drawn[0].shape[:2]
    height = width / columns * tall / wide + _TITLE * lines
    _, axes = plt.subplots(rows, columns, figsize=(width, height * rows), squeeze=False)
    for axis in axes.flat[len(drawn) :]:
        axis.axis("off")
    for axis, title, values in zip(axes.flat, titles, drawn, strict=False):
        matrix(axis, values, title, limit=limit, numbers=numbers)


def connections(matrices: Mapping[str, Array]) -> None:
    """Draws which output reads which input, and with which weight: a row for each output, a column for each input.

    Args:
      matrices: by title, `(outputs, inputs)`, all with the same inputs. Zero is no connection.
    """
    most, inputs = max(map(len, matrices.values())), max(each.shape[1] for each in matrices.values())
    _, axes = plt.subplots(
        1, len(matrices), figsize=((0.3 * inputs + 0.5) * len(matrices), 0.3 * most + 1), squeeze=False
    )
    for axis, (title, weights) in zip(axes[0], matrices.items(), strict=True):
        axis.imshow(np.where(weights, weights, np.nan), cmap=SEQUENTIAL, vmin=0, vmax=1.6 * (weights.max() or 1.0))
        for output, read in np.argwhere(weights):
            axis.text(read, output, f"{weights[output, read]:g}", color="white", ha="center", va="center")
        _separate(axis, weights.shape)
        axis.tick_params(length=0, labelsize=8)
        axis.set(title=title, xticks=range(weights.shape[1]), yticks=range(len(weights)))
        axis.set(xlabel="input", ylabel="output", anchor="N")


def _separate(axis: Axes, shape: tuple[int, ...]) -> None:
    """Draws lines between elements."""
    axis.set_xticks(np.arange(shape[1] + 1) - 0.5, minor=True)
    axis.set_yticks(np.arange(shape[0] + 1) - 0.5, minor=True)
    axis.grid(which="minor", color=_FRAME, lw=0.5)
    axis.tick_params(which="minor", length=0)
