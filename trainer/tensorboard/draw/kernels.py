"""A convolution's kernels as a picture."""

import numpy as np

from trainer.tensorboard.draw import curves, sheets
from trainer.tensorboard.draw.sheets import Array, Picture

_SIDE = {2: 36, 3: 24}  # pixels that the longer side of a kernel is enlarged to, by its rank
_SMALL = {2: 27, 3: 18}  # the same where all filters are drawn
_FEW = {1: 16, 2: 12, 3: 10}  # filters of a deeper layer that are drawn large
_MOST_FILTERS = {1: 64, 2: 256, 3: 64}  # by rank: lines and slices take more room
_STRONGEST = {1: 3, 2: 4, 3: 2}  # input channels drawn of a deeper layer's kernel, by its rank
_MOST_SLICES = 3  # of one of rank 3, from which on one channel is drawn
_PLANES = 4  # axes of several pictures
_CURVE, _SMALL_CURVE = (79, 58), (62, 40)  # pixels of a kernel's lines


def has_more(kernel: Array, is_first: bool = False) -> bool:
    """Returns whether `filters` draws fewer filters of a kernel than all."""
    return not is_first and kernel.shape[-1] > _FEW[kernel.ndim - 2]


def filters(kernel: Array, layer: str, is_first: bool = False, *, is_all: bool = False, rest: str = "") -> Picture:
    """Returns filters of a convolution, each under its number, in the order of the kernel.

    Zero is the middle of the colours, and the largest weight, of either sign, their end; all filters share this scale.
    Three input channels of a first layer are drawn as colours about grey. In any other layer, the first filters are
    drawn, and of each its strongest input channels, the strongest first, with their numbers below.

    Args:
      kernel: `(*spatial, channels, filters)`, of one to three spatial axes. Where it is one, the channels are lines
        over the taps; of three, the slices of the first are side by side.
      layer: its name.
      is_first: whether its channels are the input's.
      is_all: whether all filters of a deeper layer are drawn, smaller; of very many the first.
      rest: where all filters are, if these are few.
    """
    rank, (channels, count) = kernel.ndim - 2, kernel.shape[-2:]
    kernel = np.nan_to_num(kernel.astype(np.float32))
    limit = float(np.abs(kernel).max()) or 1.0
    is_small = is_all or (is_first and channels not in (1, 3))
    is_coloured = is_first and rank == 2 and channels == 3
    most = _MOST_FILTERS[rank] if is_first or is_all else _FEW[rank]
    scaled = np.moveaxis(kernel[..., :most], -1, 0) / (2 * limit) + 0.5
    side = (_SMALL if is_small else _SIDE).get(rank, 0)
    if rank == 1:
        drawn = _curves(scaled, _SMALL_CURVE if is_small else _CURVE)
    elif is_coloured:
        drawn = _enlarged_kernels(np.rint(scaled * 255).astype(np.uint8), kernel.shape[:2], side)
    else:
        drawn = _by_channel(scaled, side)
    size, few = "x".join(map(str, kernel.shape[:rank])), f"the first {most} of " if count > most else ""
    title = f"{layer}: {few}{count} filters, {size} of {channels} channel{'s' if channels > 1 else ''}"
    if rank == 1:
        title += f"; bottom to top is {_range(limit)}"
    if is_coloured:
        title += f"; grey is 0, each color from none to full is {_range(limit)}"
    shown = min(channels, _STRONGEST[rank]) if channels > 1 else 0
    if shown and not is_coloured:
        title += f"; the {shown} channels with the largest weights, their numbers below"
    if rest and count > most:
        title += f"; all filters are in {rest}"
    grid = sheets.grid(drawn, [str(index) for index in range(len(drawn))], columns=sheets.columns(drawn[0].shape[1]))
    legend = [] if rank == 1 or is_coloured else [sheets.legend((-limit, limit), sheets.DIVERGING, "weight")]
    return sheets.titled(sheets.below([*legend, grid]), title)


def _curves(kernels: Array, size: tuple[int, int]) -> list[Picture]:
    """Returns kernels, `(filters, taps, channels)` from 0 to 1, each as lines of its strongest channels."""
    chosen, strongest = _strongest(kernels)
    names = [[str(one) for one in each] if kernels.shape[-1] > 1 else [""] for each in strongest]
    return [curves.taps(2 * one.T - 1, each, 1.0, *size) for one, each in zip(chosen, names, strict=True)]


def _by_channel(kernels: Array, side: int) -> list[Picture]:
    """Returns kernels, `(filters, *spatial, channels)` from 0 to 1, each by its strongest channels."""
    rank, channels = kernels.ndim - 2, kernels.shape[-1]
    chosen, strongest = _strongest(kernels)
    coloured = sheets.coloured(np.moveaxis(chosen, -1, 1).reshape(-1, *chosen.shape[1:-1]), sheets.DIVERGING)
    pictures = _enlarged_kernels(coloured, chosen.shape[rank - 1 : rank + 1], side)
    if channels == 1:
        return pictures
    numbered = sheets.numbered(pictures, [str(channel) for channel in strongest.flat])
    count, few = strongest.shape
    beside = numbered.reshape(count, few, *numbered.shape[1:]).swapaxes(1, 2)  # (filters, height, few, width, 3)
    return list(beside.reshape(count, len(numbered[0]), -1, 3)[:, :, : -sheets.GAP])


def _strongest(kernels: Array) -> tuple[Array, Array]:
    """Returns of kernels, `(filters, *spatial, channels)`, those of the strongest channels, and their numbers."""
    rank = kernels.ndim - 2
    few = 1 if rank == 3 and kernels.shape[1] > _MOST_SLICES else _STRONGEST[rank]
    norms = np.square(kernels - 0.5).sum(tuple(range(1, 1 + rank)))
    strongest = np.argsort(-norms, axis=1, kind="stable")[:, :few]
    return np.take_along_axis(kernels, strongest.reshape(len(kernels), *(1,) * rank, -1), -1), strongest


def _enlarged_kernels(pictures: Picture, size: tuple[int, ...], side: int) -> list[Picture]:
    """Returns pictures, `(count, *spatial, 3)`, as squares for pixels; the slices of three axes are side by side."""
    factor = max(1, round(side / max(size)))
    large = pictures.repeat(factor, -3).repeat(factor, -2)
    if large.ndim == _PLANES:
        return list(large)
    # White, grey, white: no weight is so thin.
    edge = np.broadcast_to(np.array([sheets.PAPER, sheets.FRAME, sheets.PAPER], np.uint8), (*large.shape[:3], 3, 3))
    parted = np.concatenate([large, edge], -2)
    return list(np.concatenate([*np.moveaxis(parted, 1, 0)], -2)[..., :-3, :])


def _range(limit: float) -> str:
    return f"-{limit:.3g} to {limit:.3g}"
