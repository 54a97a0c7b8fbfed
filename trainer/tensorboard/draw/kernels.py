"""A convolution's kernels as a picture."""

from collections.abc import Sequence

import numpy as np

from trainer.tensorboard.draw import sample, sheets
from trainer.tensorboard.draw.sheets import Array, Picture

_SIDE = 27  # pixels that the longer side of a kernel is enlarged to
_MOST_FILTERS = 256
_STRONGEST = {1: 16, 2: 4, 3: 2}  # input channels drawn of a deeper layer's kernel, by its rank


def filters(kernel: Array, layer: str, is_first: bool = False) -> Picture:
    """Returns every filter of a convolution, each under its number, in the order of the kernel.

    Zero is the middle of the colours, and the largest weight, of either sign, their end; all filters share this scale.
    Of a first layer the input channels are drawn as what they are: three as colours, one as grey. Of any other each
    filter shows the input channels that it weighs most, the strongest first, with their numbers below.

    Args:
      kernel: `(*spatial, channels, filters)`, of one to three spatial axes. Where it is one, the channels are rows of
        one picture; of three, the slices of the first are side by side.
      layer: its name.
      is_first: whether its channels are the input's.
    """
    rank, (channels, count) = kernel.ndim - 2, kernel.shape[-2:]
    kernel = np.nan_to_num(kernel.astype(np.float32))
    limit = float(np.abs(kernel).max()) or 1.0
    is_input = is_first and channels in (1, 3)
    scaled = np.moveaxis(kernel[..., :_MOST_FILTERS], -1, 0) / (2 * limit) + 0.5
    if rank == 2 and is_input and channels == 3:
        drawn = _enlarged_kernels(np.rint(scaled * 255).astype(np.uint8), kernel.shape[:2])
    else:
        drawn = _by_channel(scaled, sheets.GREYS if is_input else sheets.DIVERGING)
    size, few = "x".join(map(str, kernel.shape[:rank])), f"the first {_MOST_FILTERS} of "
    return sheets.titled(
        sheets.grid(drawn, [str(index) for index in range(len(drawn))]),
        f"{layer}: {few if count > _MOST_FILTERS else ''}{count} filters, {size} of {channels} "
        f"channel{'s' if channels > 1 else ''}; {'black to white' if is_input else 'blue to red'} is {_range(limit)}",
    )


def _by_channel(kernels: Array, colours: Sequence[tuple[int, int, int]]) -> list[Picture]:
    """Returns kernels, `(filters, *spatial, channels)` from 0 to 1, each by its strongest channels."""
    rank, channels = kernels.ndim - 2, kernels.shape[-1]
    norms = np.square(kernels - 0.5).sum(tuple(range(1, 1 + rank)))
    strongest = np.argsort(-norms, axis=1, kind="stable")[:, : _STRONGEST[rank]]
    chosen = np.take_along_axis(kernels, strongest.reshape(len(kernels), *(1,) * rank, -1), -1)
    if rank == 1:
        return _enlarged_kernels(sheets.coloured(np.moveaxis(chosen, -1, 1), colours), chosen.shape[1:2])
    planes = sheets.coloured(sample.planes(np.moveaxis(chosen, -1, 1).reshape(-1, *chosen.shape[1:-1])), colours)
    pictures = _enlarged_kernels(planes, chosen.shape[rank - 1 : rank + 1])
    if channels == 1:
        return pictures
    numbered = sheets.numbered(pictures, [str(channel) for channel in strongest.flat])
    count, few = strongest.shape
    beside = numbered.reshape(count, few, *numbered.shape[1:]).swapaxes(1, 2)  # (filters, height, few, width, 3)
    return list(beside.reshape(count, len(numbered[0]), -1, 3)[:, :, : -sheets.GAP])


def _enlarged_kernels(pictures: Picture, size: tuple[int, ...]) -> list[Picture]:
    factor = max(1, round(_SIDE / max(size)))
    return list(pictures.repeat(factor, 1).repeat(factor, 2))


def _range(limit: float) -> str:
    return f"-{limit:.3g} to {limit:.3g}"
