"""The padding modes that copy from the image: all modes except constants.

Each axis is padded with one `concatenate`. On the CPU, TensorFlow's MirrorPad takes about twice as long forward, and a
gather about twice as long backward. The gradient that TensorFlow derives for a slice writes a full-size tensor of
zeros; this module defines the adjoint instead.
"""

from typing import Any

import keras
from keras import ops

from trainer.layers.padding import Pair, check_reach


def pad(x: Any, pairs: tuple[Pair, ...], mode: str, first_axis: int) -> Any:
    """Returns x with `pairs[i]` elements around axis `first_axis + i`.

    Raises:
        ValueError: a known size has too few elements to copy from; an unknown size fails at run time.
    """
    for axis, pair in enumerate(pairs, first_axis):
        size = ops.shape(x)[axis]
        if _known(size, *pair):
            check_reach(mode, size, pair, axis - first_axis)
        if not (_known(*pair) and sum(pair) == 0):
            x = _surrounded(x, axis, mode, pair)
    return x


def _surrounded(x: Any, axis: int, mode: str, pair: Pair) -> Any:
    if keras.backend.backend() != "tensorflow":
        return _surround(x, axis, mode, pair)

    @ops.custom_gradient  # type: ignore[untyped-decorator]
    def surround(x: Any) -> Any:
        size = ops.shape(x)[axis]
        return _surround(x, axis, mode, pair), lambda upstream: _fold(upstream, axis, mode, pair, size)

    return surround(x)


def _surround(x: Any, axis: int, mode: str, pair: Pair) -> Any:
    """Returns [before, x, after] as one along `axis`."""
    before, after = (
        _shown(_piece(x, axis, *source), axis, mode, amount)
        for source, amount in zip(_sources(mode, ops.shape(x)[axis], pair), pair, strict=True)
    )
    return _joined([before, x, after], axis)


def _fold(upstream: Any, axis: int, mode: str, pair: Pair, size: Any) -> Any:
    """Returns the adjoint of `_surround`: each side is added to its source."""
    before, after = pair
    sides = (_piece(upstream, axis, 0, before), _piece(upstream, axis, before + size, after))
    additions = [
        (source, _collected(side, axis, mode)) for source, side in zip(_sources(mode, size, pair), sides, strict=True)
    ]
    if mode == "circular":
        additions.reverse()  # so that the left one comes first: the border in front is a copy of the end
    left, right = (source for source, _ in additions)
    if _known(size, *left, *right) and sum(left) <= right[0]:
        return _joined(_added(upstream, axis, before, size, additions), axis)
    x = _piece(upstream, axis, before, size)
    for addition in additions:
        x = _joined(_added(x, axis, 0, size, [addition]), axis)
    return x


def _added(x: Any, axis: int, first: Any, size: Any, additions: list[Any]) -> list[Any]:
    """Returns the parts of x[first : first + size], each copied once; every ((start, size), side) is added."""
    parts, done = [], 0
    for (start, width), side in additions:
        parts += [_piece(x, axis, first + done, start - done), _piece(x, axis, first + start, width) + side]
        done = start + width
    return [*parts, _piece(x, axis, first + done, size - done)]


def _sources(mode: str, size: Any, pair: Pair) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Returns (start, size) of the sources of the borders before and after an axis of `size`."""
    before, after = pair
    if mode == "replicate":
        return (0, 1), (size - 1, 1)
    if mode == "circular":
        return (size - before, before), (0, after)
    edge = 1 if mode == "reflect" else 0
    return (edge, before), (size - edge - after, after)


def _shown(x: Any, axis: int, mode: str, amount: Any) -> Any:
    """Returns the border for a source x."""
    if mode == "circular":
        return x
    if mode == "replicate":
        shape = list(ops.shape(x))
        shape[axis] = amount
        return ops.broadcast_to(x, shape)
    return ops.flip(x, axis=axis)


def _collected(x: Any, axis: int, mode: str) -> Any:
    """Returns the adjoint of `_shown`."""
    if mode == "circular":
        return x
    return ops.sum(x, axis=axis, keepdims=True) if mode == "replicate" else ops.flip(x, axis=axis)


def _piece(x: Any, axis: int, start: Any, size: Any) -> Any:
    """Returns `size` elements of `axis` from `start` on. Unlike with an index, out of range is an error at run time."""
    starts, sizes = [0] * len(x.shape), list(ops.shape(x))
    starts[axis], sizes[axis] = start, size
    return ops.slice(x, starts, sizes)


def _joined(parts: list[Any], axis: int) -> Any:
    return ops.concatenate([part for part in parts if part.shape[axis] != 0], axis=axis)


def _known(*sizes: Any) -> bool:
    return all(isinstance(size, int) for size in sizes)
