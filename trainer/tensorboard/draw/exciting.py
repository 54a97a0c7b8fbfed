"""The patches of samples that excite filters, each filter's beside its kernel."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from PIL import Image

from trainer.tensorboard.draw import curves, sample, sheets, strokes
from trainer.tensorboard.draw.scale import IMAGES, Scale, number
from trainer.tensorboard.draw.sheets import Array, Colour, Picture
from trainer.tensorboard.draw.slices import middle

_SIDE, _PIECE, _KERNEL = 60, (262, 22), (62, 62)  # pixels of a patch, of a piece of a signal, of a signal's kernel
_ROWS = 6  # filters of a sheet
_OUTSIDE: Colour = (198, 219, 239)  # of what is not in the sample


class Found(Protocol):
    """The strongest filters of a convolution and what excites them, as `trainer.insight.exciting.Exciting`."""

    @property
    def filters(self) -> Array:
        """Their numbers."""

    @property
    def count(self) -> int:
        """The number of all filters of the layer."""

    @property
    def pool(self) -> int:
        """The number of samples that were searched."""

    @property
    def kernels(self) -> Array:
        """Of these filters, `(filters, *spatial, channels)`."""

    @property
    def values(self) -> Array:
        """Each filter's output at the patch, `(filters, patches)`."""

    @property
    def patches(self) -> Array:
        """`(filters, patches, *window, channels)`, NaN outside of the sample."""

    @property
    def span(self) -> tuple[int, ...]:
        """The size of the receptive field."""

    @property
    def centres(self) -> Array:
        """The middle of the receptive field in each patch, `(filters, patches, rank)`."""


def exciting(layer: str, found: Found, scale: Scale = IMAGES) -> Picture:
    """Returns a row for each filter: its kernel, and the patches that excite it most, each under the filter's output.

    The kernel is that of the input channel with the largest weights, from blue, negative, to red. Pieces of a signal
    are below each other, over one axis of values for each channel. Of volumes, and of kernels over them, the middle
    slices are drawn. What is outside of the sample, the padding, is pale blue. Where the receptive field is larger than
    the sample, the whole sample is drawn, with a red cross in the middle of the field.

    Args:
      layer: the convolution's name.
      found: its filters.
      scale: of the samples.
    """
    filters, kernels, patches, span = found.filters, found.kernels, found.patches, found.span
    size = "x".join(map(str, span))
    if not len(filters):
        nothing = sheets.line_of("all filters give one value everywhere: they are dead", sheets.MARK)
        return sheets.titled(nothing, f"{layer}: nothing excites its {found.count} filters")
    is_whole = any(one > side for one, side in zip(span, patches.shape[2:-1], strict=True))
    whole = ", + is its middle" if is_whole else ""
    channel = " of one input channel" if kernels.shape[-1] > 1 else ""
    title = (
        f"{layer}: the {len(filters)} strongest of {found.count} filters; left the kernel{channel}, then what "
        f"excites it most in {found.pool} {scale.noun}s, under its output. "
        f"Receptive field {size}{whole}. Pale blue is padding."
    )
    limit = float(np.abs(kernels).max()) or 1.0
    rows = []
    for index, name in enumerate(filters):
        kernel = _strongest(np.nan_to_num(kernels[index].astype(np.float32)))
        read = f"filter {name}"
        if kernel.ndim == 1:
            lines = curves.taps(kernel[None], [""], limit, *_KERNEL)
            rows.append(_pieces(patches[index], found.values[index], lines, read))
        else:
            shown = sample.values(kernel, _SIDE, (-limit, limit), sheets.DIVERGING)
            marks = found.centres[index] if is_whole else [None] * len(patches[index])
            drawn = [_patch(one, scale, mark) for one, mark in zip(patches[index], marks, strict=True)]
            rows.append(_row(shown, drawn, read, found.values[index]))
    missing = max(0, min(_ROWS, found.count) - len(rows))  # a layer's sheets have one size at all steps
    rows += [np.full_like(rows[0], 255)] * missing
    legend = [] if kernels.ndim == 3 else [sheets.legend((-limit, limit), sheets.DIVERGING, "kernel")]
    return sheets.titled(sheets.below([*legend, *rows]), title)


def _strongest(kernel: Array) -> Array:
    """Returns of a kernel, `(*spatial, channels)`, that of the channel with the largest weights."""
    return kernel[..., int(np.square(kernel).sum(tuple(range(kernel.ndim - 1))).argmax())]


def _fitted(picture: Picture) -> Picture:
    """Returns a picture that is at most as large as a patch is drawn."""
    longer = max(picture.shape[:2])
    if longer <= _SIDE:
        return picture
    height, width = (max(1, round(side * _SIDE / longer)) for side in picture.shape[:2])
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BOX))


def _row(kernel: Picture, patches: Sequence[Picture], name: str, values: Array) -> Picture:
    """Returns a kernel under its name, and patches under their values, in squares of equal size."""
    room, head = _SIDE + 8, sheets.FONT + 4
    canvas = np.full((head + _SIDE + 10, 6 + room * (1 + len(patches)), 3), 255, np.uint8)
    for index, (picture, text) in enumerate(zip([kernel, *patches], [name, *map(_said, values)], strict=True)):
        left = 4 + index * room + (0 if index == 0 else 4)
        label = sheets.line_of(text, sheets.INK if index == 0 else sheets.FAINT)
        wide = min(label.shape[1], canvas.shape[1] - left)
        canvas[0 : len(label), left : left + wide] = np.minimum(
            canvas[0 : len(label), left : left + wide], label[:, :wide]
        )
        part = _fitted(picture)
        framed = canvas[head : head + len(part) + 2, left : left + part.shape[1] + 2]
        framed[:] = sheets.FRAME
        framed[1:-1, 1:-1] = part
    return canvas


def _said(value: float) -> str:
    return number(float(value), 3)


def _patch(values: Array, scale: Scale, mark: Array | None) -> Picture:
    """Returns a patch, `(*window, channels)`, with what is outside of the sample pale; of a volume, middle slices."""
    at = middle(values.shape[:-1])
    if mark is not None:
        at = tuple(min(int(one), size - 1) for one, size in zip(mark, values.shape[:-1], strict=True))
    is_outside = np.isnan(values).all(-1, keepdims=True)
    picture = sample.picture(np.nan_to_num(values), _SIDE, scale, limits=scale.limits(values), at=at)
    if is_outside.any():
        # Only what differs between the two is of a position: a volume's slices have paper between them.
        shades = [np.where(each, 255.0, 0.0) for each in (is_outside, ~is_outside)]
        masks = [sample.picture(each, _SIDE, scale, limits=(0, 255), at=at) for each in shades]
        picture = np.where((masks[0] > 127) & (masks[1] < 128), np.array(_OUTSIDE, np.uint8), picture)
    if mark is not None and values.ndim == 3:
        picture = picture.copy()
        row, column = (
            min(int(one / size * side), side - 1)
            for one, size, side in zip(mark, values.shape[:2], picture.shape[:2], strict=True)
        )
        picture[max(0, row - 3) : row + 4, column] = sheets.MARK
        picture[row, max(0, column - 3) : column + 4] = sheets.MARK
    return np.asarray(picture)


def _pieces(patches: Array, values: Array, kernel: Picture, name: str) -> Picture:
    """Returns pieces of signals, `(patches, length, channels)`, below each other, and the kernel at their left."""
    width, height = _PIECE
    head, step, left = sheets.FONT + 4, height + 3, kernel.shape[1] + 12
    canvas = np.full((head + max(step * len(patches), len(kernel)) + 6, left + width + 8, 3), 255, np.uint8)
    label = sheets.line_of(name, sheets.INK)
    canvas[: len(label), 4 : 4 + label.shape[1]] = label
    canvas[head : head + len(kernel) + 2, 4 : 6 + kernel.shape[1]] = sheets.FRAME
    canvas[head + 1 : head + 1 + len(kernel), 5 : 5 + kernel.shape[1]] = kernel
    said = [sheets.line_of(_said(value), sheets.FAINT) for value in values]
    room = max(one.shape[1] for one in said) + 4
    shown = patches[..., : curves.MOST]
    known = np.where(np.isfinite(shown).any((0, 1)), shown, 0.0)
    lows, highs = np.nanmin(known, (0, 1)), np.nanmax(known, (0, 1))
    for index, piece in enumerate(shown):
        top = head + index * step
        label = said[index]
        canvas[top + 3 : top + 3 + len(label), left : left + label.shape[1]] = label
        area = canvas[top : top + height, left + room : left + width]
        missing = np.isnan(piece).all(-1)
        across = ((np.arange(area.shape[1]) + 0.5) * len(piece) / area.shape[1]).astype(int)
        area[:, missing[across]] = _OUTSIDE
        for channel in range(piece.shape[1]):
            low, high = float(lows[channel]), float(highs[channel])
            ink = curves.COLOURS[channel % len(curves.COLOURS)]
            strokes.laid(area, piece[:, channel], low, high if high > low else low + 1.0, ink)
        area[-1] = np.minimum(area[-1], 215)
    return canvas
