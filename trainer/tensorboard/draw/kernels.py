"""A convolution's kernels as a picture."""

from collections.abc import Sequence

import numpy as np

from trainer.tensorboard.draw import curves, sheets
from trainer.tensorboard.draw.sheets import Array, Picture

_SIDE = {2: 27, 3: 18}  # pixels that the longer side of a kernel is enlarged to, by its rank
_MOST_FILTERS = {1: 64, 2: 256, 3: 64}  # by rank: lines and slices take more room
_STRONGEST = {1: 3, 2: 4, 3: 2}  # input channels drawn of a deeper layer's kernel, by its rank
_MOST_SLICES = 3  # of one of rank 3, from which on one channel is drawn
_PLANES = 4  # axes of several pictures
_CURVE = (62, 40)  # pixels of a kernel's lines


def filters(kernel: Array, layer: str, is_first: bool = False) -> Picture:
    """Returns every filter of a convolution, each under its number, in the order of the kernel.

    Zero is the middle of the colours, and the largest weight, of either sign, their end; all filters share this scale.
    The input channels of a first layer are drawn as they are: three as colours, one as grey. In any other layer, each
    filter shows its strongest input channels, the strongest first, with their numbers below.

    Args:
      kernel: `(*spatial, channels, filters)`, of one to three spatial axes. Where it is one, the channels are lines
        over the taps; of three, the slices of the first are side by side.
      layer: its name.
      is_first: whether its channels are the input's.
    """
    rank, (channels, count) = kernel.ndim - 2, kernel.shape[-2:]
    kernel = np.nan_to_num(kernel.astype(np.float32))
    limit = float(np.abs(kernel).max()) or 1.0
    is_input = is_first and channels in (1, 3)
    most = _MOST_FILTERS[rank]
    scaled = np.moveaxis(kernel[..., :most], -1, 0) / (2 * limit) + 0.5
    if rank == 1:
        drawn = _curves(scaled)
    elif rank == 2 and is_input and channels == 3:
        drawn = _enlarged_kernels(np.rint(scaled * 255).astype(np.uint8), kernel.shape[:2], _SIDE[rank])
    else:
        drawn = _by_channel(scaled, sheets.GREYS if is_input else sheets.DIVERGING)
    size, few = "x".join(map(str, kernel.shape[:rank])), f"the first {most} of "
    colours = "bottom to top" if rank == 1 else "black to white" if is_input else "blue to red"
    return sheets.titled(
        sheets.grid(
            drawn,
            [str(index) for index in range(len(drawn))],
            columns=sheets.columns(drawn[0].shape[1]) if rank != 2 else 0,
        ),
        f"{layer}: {few if count > most else ''}{count} filters, {size} of {channels} "
        f"channel{'s' if channels > 1 else ''}; {colours} is {_range(limit)}",
    )


def _curves(kernels: Array) -> list[Picture]:
    """Returns kernels, `(filters, taps, channels)` from 0 to 1, each as lines of its strongest channels."""
    chosen, strongest = _strongest(kernels)
    names = [[str(one) for one in each] if kernels.shape[-1] > 1 else [""] for each in strongest]
    return [curves.taps(2 * one.T - 1, each, 1.0, *_CURVE) for one, each in zip(chosen, names, strict=True)]


def _by_channel(kernels: Array, colours: Sequence[tuple[int, int, int]]) -> list[Picture]:
    """Returns kernels, `(filters, *spatial, channels)` from 0 to 1, each by its strongest channels."""
    rank, channels = kernels.ndim - 2, kernels.shape[-1]
    chosen, strongest = _strongest(kernels)
    coloured = sheets.coloured(np.moveaxis(chosen, -1, 1).reshape(-1, *chosen.shape[1:-1]), colours)
    pictures = _enlarged_kernels(coloured, chosen.shape[rank - 1 : rank + 1], _SIDE[rank])
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
