"""One sample, and values over it, as a picture. The other drawing modules use this one and assume no rank.

A signal is drawn as lines over its positions, an image as its pixels, a volume as three slices through one position.
Images and volumes are drawn from black, the least possible value, to white, the greatest possible one; without
such bounds, from the sample's 1st to its 99th percentile. Lines of signals have axes with numbers.
"""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from trainer.tensorboard.draw import curves, sheets, slices
from trainer.tensorboard.draw.scale import IMAGES, Limits, Scale, as_bytes
from trainer.tensorboard.draw.sheets import Array, Colour, Picture
from trainer.tensorboard.draw.slices import Place

# Pixels of one sample, by rank, and how many are in a row; 0 lets the sheet choose.
TILE, IN_ROW = {1: 164, 2: 84, 3: 108}, {1: 2, 2: 0, 3: 3}  # among many others
MISTAKEN, MISTAKEN_IN_ROW = {1: 164, 2: 84, 3: 160}, {1: 2, 2: 0, 3: 2}  # under their mistakes
PAIRED, PAIRS_IN_ROW = {1: 160, 2: 72, 3: 72}, {1: 1, 2: 2, 3: 2}  # each of a pair
EXPLAINED, EXPLAINED_IN_ROW = {1: 338, 2: 164, 3: 160}, {1: 1, 2: 2, 3: 2}  # under attributions
ABOVE = {1: 338, 2: 112, 3: 160}  # above its feature maps

APART = 14  # pixels between a sample and its changed copy
_WARM: tuple[Colour, ...] = ((247, 247, 247), (254, 196, 79), (217, 72, 1), (127, 20, 5))  # on white paper


def picture(
    sample: Array, side: int, scale: Scale = IMAGES, *, limits: Limits | None = None, at: Place | None = None
) -> Picture:
    """Returns a sample, about `side` pixels along its longer side.

    Args:
      sample: `(*spatial, channels)`.
      side: pixels.
      scale: of the samples.
      limits: the values of black and white, or the ends of a signal's axis; by default as the scale says.
      at: the position that slices of a volume go through; by default the middle.
    """
    if sample.ndim == 2:
        return curves.plot(sample, side, scale, limits=limits)
    limits = limits or scale.limits(sample)
    if sample.ndim == 4:
        at = at or slices.middle(sample.shape[:-1])
        return slices.laid_out([_as_colours(one, limits) for one in slices.cut(sample, at)], at, side, scale)
    return sheets.enlarged(_as_colours(sample, limits), side)


def pair(before: Array, after: Array, side: int, scale: Scale = IMAGES) -> Picture:
    """Returns a sample next to its changed copy, `side` pixels each.

    Both have the limits of the first, so a change of brightness is visible; signals share one axis.
    """
    rank = before.ndim - 1
    if rank == 1:
        drawn = [curves.plot(one, side, scale, also=other) for one, other in ((before, after), (after, before))]
    else:
        limits = scale.limits(before)
        drawn = [picture(one, side, scale, limits=limits) for one in (before, after)]
    drawn.insert(1, _arrow(len(drawn[0])))
    return np.concatenate(drawn, axis=1)


def tinted(
    sample: Array, colours: Picture, opacity: Array, side: int, scale: Scale = IMAGES, *, at: Place | None = None
) -> Picture:
    """Returns a sample, faint and in grey, under colours, about `side` pixels long.

    A signal has them on its line, and as a band behind it.

    Args:
      sample: `(*spatial, channels)`.
      colours: `(*spatial, 3)`, one for each position.
      opacity: of each, 0 to 1, `(*spatial, 1)`.
      side: the pixels of the longer side.
      scale: of the samples.
      at: the position that slices of a volume go through; by default the middle.
    """
    if sample.ndim == 2:
        return curves.plot(sample, side, scale, colours=colours, opacity=opacity)
    limits = scale.limits(sample)
    if sample.ndim == 4:
        at = at or slices.middle(sample.shape[:-1])
        parts = zip(slices.cut(sample, at), slices.cut(colours, at), slices.cut(opacity, at), strict=True)
        return slices.laid_out([_tinted(*part, limits) for part in parts], at, side, scale)
    return sheets.enlarged(_tinted(sample, colours, opacity, limits), side)


def values(
    each: Array, side: int, limits: Limits, colours: Sequence[Colour], scale: Scale = IMAGES, *, at: Place | None = None
) -> Picture:
    """Returns values over positions, `(*spatial)`, such as a feature map or weights, about `side` pixels long.

    Args:
      each: of each position.
      side: pixels.
      limits: the values that have the first colour and the last.
      colours: a scale of them.
      scale: of the samples.
      at: the position that slices of a volume go through; by default the middle.
    """
    low, high = limits
    if each.ndim == 1:
        return curves.plot(each[:, None], side, scale, limits=limits)
    at = at or slices.middle(each.shape)
    planes = slices.cut(each, at) if each.ndim == 3 else [each]
    drawn = [sheets.coloured((plane - low) / ((high - low) or 1.0), colours) for plane in planes]
    return slices.laid_out(drawn, at, side, scale) if each.ndim == 3 else sheets.enlarged(drawn[0], side)


def thumbnail(sample: Array, side: int, scale: Scale = IMAGES) -> Picture:
    """Returns a sample as a square of `side` pixels: of a volume the middle slice of its first axis."""
    if sample.ndim == 2:
        return curves.small(sample, side)
    limits = scale.limits(sample)
    plane = sample[len(sample) // 2] if sample.ndim == 4 else sample
    return np.asarray(Image.fromarray(_as_colours(plane, limits)).resize((side, side)))


def heat(rank: int) -> Sequence[Colour]:
    """Returns the colours of values from none to many over a sample: on dark pixels, or on the paper of a plot."""
    return _WARM if rank == 1 else sheets.SEQUENTIAL


def _arrow(height: int) -> Picture:
    """Returns a triangle that points to the right, in the gap between a sample and its changed copy."""
    gap, middle, reach = np.full((height, APART, 3), 255, np.uint8), height // 2, APART // 2 - 2
    for column in range(reach):
        wide = reach - column
        gap[max(0, middle - wide) : middle + wide + 1, 4 + column] = sheets.FAINT
    return gap


def _tinted(sample: Array, colours: Picture, opacity: Array, limits: Limits) -> Picture:
    grey = sample.astype(np.float32) if limits == (0.0, 255.0) else as_bytes(sample, limits)
    faint = np.repeat(grey.mean(-1, keepdims=True), 3, -1)
    mixed = (1 - opacity) * (0.5 * faint + 64) + opacity * colours
    return mixed.astype(np.uint8)


def _as_colours(image: Array, limits: Limits) -> Picture:
    """Returns `(height, width, channels)` as colours: three channels as they are, else their mean."""
    pixels = as_bytes(image, limits)
    three = pixels if image.shape[-1] == 3 else np.repeat(pixels.mean(-1, keepdims=True), 3, -1)
    return np.rint(three).astype(np.uint8)
