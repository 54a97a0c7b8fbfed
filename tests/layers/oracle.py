"""Convolution by its definition, in float64 NumPy: one output element at a time, no code of the layer's.

Padding is done by asking, for each place outside, which element of the image stands there.
"""

import itertools
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def same_pair(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """TensorFlow's SAME, as its documentation words it."""
    extent = kernel + (kernel - 1) * (dilation - 1)
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + extent - size, 0)
    return total // 2, total - total // 2


def source(place: int, size: int, mode: str) -> int | None:
    """Which element of 0 .. size - 1 stands at `place`, which may lie outside; None for a constant."""
    if 0 <= place < size:
        return place
    if mode == "replicate":
        return 0 if place < 0 else size - 1
    if mode == "circular":
        return place + size if place < 0 else place - size
    if mode == "symmetric":
        return -place - 1 if place < 0 else 2 * size - 1 - place
    if mode == "reflect":
        return -place if place < 0 else 2 * size - 2 - place
    return None


def pad(x: Array, pairs: Sequence[tuple[int, int]], mode: str = "zeros", value: float = 0.0) -> Array:
    """Pads the middle axes of x, (batch, *spatial, channels)."""
    for axis, (before, after) in enumerate(pairs, 1):
        size = x.shape[axis]
        planes = []
        for place in range(-before, size + after):
            origin = source(place, size, mode)
            plane = np.full_like(x.take(0, axis), value) if origin is None else x.take(origin, axis)
            planes.append(plane)
        x = np.stack(planes, axis)
    return x


def pairs_of(
    padding: str | Sequence[tuple[int, int]],
    sizes: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
) -> list[tuple[int, int]]:
    """The pairs that a name stands for."""
    if padding == "valid":
        return [(0, 0)] * len(sizes)
    same = [same_pair(*axis) for axis in zip(sizes, kernel, strides, dilations, strict=True)]
    if padding == "same":
        return same
    if padding == "causal":
        return [((kernel[0] - 1) * dilations[0], 0), *same[1:]]
    return [tuple(pair) for pair in padding]  # type: ignore[misc, arg-type]


def convolve(
    x: Array,
    kernel: Array,
    bias: Array,
    strides: Sequence[int],
    dilations: Sequence[int],
    groups: int,
    pairs: Sequence[tuple[int, int]],
    mode: str = "zeros",
    value: float = 0.0,
) -> Array:
    """O(i) = sum over m of K(m) I(i s + m d), plus bias; x is (batch, *spatial, channels)."""
    x = pad(x, pairs, mode, value)
    *size, _, filters = kernel.shape
    channels, per_group = x.shape[-1] // groups, filters // groups
    axes = zip(x.shape[1:-1], size, strides, dilations, strict=True)
    outputs = [len(range(0, extent - (taps - 1) * d, s)) for extent, taps, s, d in axes]
    y = np.zeros((x.shape[0], *outputs, filters))
    for i in itertools.product(*map(range, outputs)):
        for m in itertools.product(*map(range, size)):
            place = tuple(a * s + b * d for a, s, b, d in zip(i, strides, m, dilations, strict=True))
            for g in range(groups):
                seen = x[(slice(None), *place, slice(g * channels, (g + 1) * channels))]
                mine = slice(g * per_group, (g + 1) * per_group)
                y[(slice(None), *i, mine)] += seen @ kernel[m][:, mine]
    return y + bias


def derivative(function: Callable[[Array], float], at: Array, step: float = 1e-3) -> Array:
    """Central differences of a function that is at most quadratic: exact but for rounding."""
    slope = np.zeros_like(at)
    for index in np.ndindex(*at.shape):
        high, low = at.copy(), at.copy()
        high[index] += step
        low[index] -= step
        slope[index] = (function(high) - function(low)) / (2 * step)
    return slope
