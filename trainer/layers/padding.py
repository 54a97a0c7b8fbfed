"""Converts every form of padding to one pair of integers per axis: elements (before, after).

A name defines the amount, for a window that spans `span = (kernel - 1) * dilation + 1` elements (here 3, stride 1):

    valid       1234 ->  1234     nothing; the output shrinks
    same        1234 -> .1234.    the output has ceil(size / stride) elements, TensorFlow's convention
    causal      1234 -> ..1234    an output sees nothing after its own position

A mode defines the values (here 2 before, 2 after):

    zeros       1234 -> 00123400
    constant    1234 -> cc1234cc  c is `padding_value`
    replicate   1234 -> 11123444  the edge, repeated
    symmetric   1234 -> 21123443  a mirror behind the edge
    reflect     1234 -> 32123432  a mirror on the edge
    circular    1234 -> 34123412  the other end
"""

import math
import numbers
import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Axes: TypeAlias = tuple[int, ...]
Pair: TypeAlias = tuple[int, int]
Padding: TypeAlias = str | tuple[Pair, ...]

NAMES = ("causal", "same", "valid")
MODES = ("zeros", "constant", "replicate", "symmetric", "reflect", "circular")

# How far a mode reaches into the image, relative to the image's size: a mirror on the edge (reflect) cannot copy the
# edge itself; a repeated edge or a constant does not copy from the image.
_REACH = {"symmetric": 0, "reflect": -1, "circular": 0}

_PADDING_RULE = f"must be one of {', '.join(NAMES)}, an integer, one per axis, or (before, after) pairs"


def integer(value: Any, name: str, rule: str, least: int, given: Any) -> int:
    """Returns `value` as an int of at least `least`; `True` and 1.0 are not integers here."""
    error = f"`{name}` {rule}. Received: {name}={given!r}"
    if isinstance(value, bool):
        raise TypeError(error)
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(error) from None
    if number < least:
        raise ValueError(error)
    return number


def per_axis(value: Any, rank: int, name: str) -> Axes:
    """Returns `rank` integers of at least 1 from one integer or from one per axis."""
    rule = f"must be a positive integer or one per axis ({rank})"
    if not isinstance(value, Iterable) or isinstance(value, str):
        return (integer(value, name, rule, 1, value),) * rank
    values = tuple(integer(item, name, rule, 1, value) for item in value)
    if len(values) != rank:
        raise ValueError(f"`{name}` {rule}. Received: {name}={value!r}")
    return values


def canonical(padding: Any, rank: int) -> Padding:
    """Returns a lower-case name of `NAMES`, or `rank` pairs (before, after).

    Raises:
        ValueError: an unknown name, a negative amount, or not one entry per axis.
        TypeError: anything that is neither a name nor made of integers.
    """
    error = ValueError(f"`padding` {_PADDING_RULE}. Received: padding={padding!r}")
    if isinstance(padding, str):
        if padding.lower() not in NAMES:
            raise error
        return padding.lower()
    if not isinstance(padding, Iterable):
        return ((integer(padding, "padding", _PADDING_RULE, 0, padding),) * 2,) * rank
    entries = tuple(tuple(item) if isinstance(item, list | tuple) else (item, item) for item in padding)
    if len(entries) != rank or any(len(entry) != 2 for entry in entries):
        raise error
    before_after = [[integer(item, "padding", _PADDING_RULE, 0, padding) for item in entry] for entry in entries]
    return tuple((before, after) for before, after in before_after)


def span(kernel: int, dilation: int) -> int:
    """Returns the number of input elements that a window spans."""
    return (kernel - 1) * dilation + 1


def same(size: Any, window: int, stride: int) -> Any:
    """Returns the pair that makes ceil(size / stride) outputs, the odd element after.

    `size` may also be an integer tensor: (t + |t|) / 2 is max(t, 0) for both. At stride 1 it is not used.
    """
    short = window - 1 if stride == 1 else window - 1 - (size - 1) % stride
    total = (short + abs(short)) // 2
    return total // 2, total - total // 2


def causal(window: int) -> Pair:
    """Returns the pair with which output i does not depend on anything after input i * stride."""
    return window - 1, 0


def output_size(size: Any, window: int, stride: int, pair: Pair) -> Any:
    """Returns the number of positions of the window; less than 1 if it does not fit."""
    return (size + sum(pair) - window) // stride + 1


@dataclass(frozen=True)
class Geometry:
    """The geometry of a window: everything that decides sizes, one entry per spatial axis.

    Attributes:
        kernel_size: taps.
        strides: elements from one position of the window to the next.
        dilations: elements from one tap to the next.
        padding: as `canonical` returns it.
    """

    kernel_size: Axes
    strides: Axes
    dilations: Axes
    padding: Padding

    @property
    def spans(self) -> Axes:
        """The number of elements that a window spans."""
        return tuple(span(*axis) for axis in zip(self.kernel_size, self.dilations, strict=True))

    def pairs(self, sizes: Iterable[Any]) -> tuple[Any, ...]:
        """Returns (before, after) of each axis; tensors if a size is a tensor.

        `causal` applies to the first axis, time; the others are `same`.
        """
        if not isinstance(self.padding, str):
            return self.padding
        if self.padding == "valid":
            return ((0, 0),) * len(self.strides)
        around = tuple(same(*axis) for axis in zip(sizes, self.spans, self.strides, strict=True))
        return around if self.padding == "same" else (causal(self.spans[0]), *around[1:])

    def outputs(self, sizes: Sequence[Any]) -> tuple[Any, ...]:
        """Returns the number of positions of the window along each axis."""
        axes = zip(sizes, self.spans, self.strides, self.pairs(sizes), strict=True)
        return tuple(output_size(*axis) for axis in axes)


def check_mode(mode: Any, value: Any, padding: Padding) -> None:
    """Checks that a mode is known and has an effect.

    Raises:
        ValueError: an unknown mode; a value without `constant`, or not finite; any mode but `zeros` with `valid`.
        TypeError: a mode that is not text, or a value that is not a number.
    """
    rule = f"`padding_mode` must be one of {', '.join(MODES)}. Received: padding_mode={mode!r}"
    if not isinstance(mode, str):
        raise TypeError(rule)
    if mode not in MODES:
        raise ValueError(rule)
    if padding == "valid" and mode != "zeros":
        raise ValueError(f"`padding_mode` must be zeros with padding='valid'. Received: padding_mode={mode!r}")
    rule = f"`padding_value` must be a finite number, and 0 unless padding_mode='constant'. Received: {mode!r} with"
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{rule} padding_value={value!r}")
    if not math.isfinite(value) or (value and mode != "constant"):
        raise ValueError(f"{rule} padding_value={value!r}")


def check_reach(mode: str, size: int, pair: Pair, axis: int) -> None:
    """Raises ValueError if an axis of `size` has too few elements for `mode` to copy."""
    if mode in _REACH and max(pair) > size + _REACH[mode]:
        raise ValueError(
            f"`padding` must be at most {size + _REACH[mode]} for padding_mode={mode!r} on spatial axis {axis} "
            f"of size {size}. Received: padding={pair}"
        )
