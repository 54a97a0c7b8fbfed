"""Receptive fields: what one position of a tensor depends on in the model's input.

With a jump of 1 and a span of 1 at the input, a window of `window` positions that moves by `stride` makes of the span

    span + (window - 1) * jump

and multiplies the jump by the stride (Araujo, Norris, Sim, "Computing Receptive Fields of Convolutional Neural
Networks", Distill, 2019).
"""

import math
import operator
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import keras

from trainer.insight.graph import POOLINGS, Call, Graph, is_convolution, is_transposed
from trainer.insight.layer_kinds import (
    COLLAPSING,
    CROPPINGS,
    PADDINGS,
    POINTWISE,
    is_mean,
    is_pointwise,
    is_pointwise_operation,
)
from trainer.insight.shapes import Shape
from trainer.layers import padding as pads


@dataclass(frozen=True)
class View:
    """What one position of a tensor depends on in the model's input.

    Attributes:
        sizes: of the input, per spatial axis; infinite where not known.
        spans: from the first to the last element that counts; None where not known.
        jumps: from what one position depends on to what the next does; 0 where all depend on the same.
        starts: the first element that position 0 depends on, negative where it is padding; None where not known.
        stops: the element after the last one, also beyond the input's end.
    """

    sizes: tuple[float, ...]
    spans: tuple[float, ...] | None
    jumps: tuple[int, ...]
    starts: tuple[float, ...] | None = None
    stops: tuple[float, ...] | None = None

    @property
    def receptive_field(self) -> Shape | None:
        """The span of each axis; None where not known, or where the input has no spatial axis."""
        return tuple(int(span) if math.isfinite(span) else None for span in self.spans) if self.spans else None

    def unknown(self) -> "View":
        """Returns the view after a layer of which nothing is known."""
        return replace(self, spans=None, starts=None, stops=None) if any(self.jumps) else self

    def through(self, windows: Iterable[float], strides: Iterable[int], before: Iterable[int] | None = None) -> "View":
        """Returns the view through a window of so many positions that moves by `strides`.

        `before` is the number of padded positions before the first, per axis; None where not known.
        """
        windows, strides = tuple(windows), tuple(strides)
        if self.spans is None or len(windows) != len(self.spans) or not any(self.jumps):
            return self.unknown()
        axes = zip(self.sizes, self.spans, windows, self.jumps, strict=True)
        spans = tuple(min(size, span + (window - 1) * jump) for size, span, window, jump in axes)
        moved = self.moved(before)
        stops = moved.stops and tuple(
            stop + (window - 1) * jump for stop, window, jump in zip(moved.stops, windows, self.jumps, strict=True)
        )
        return View(self.sizes, spans, tuple(map(operator.mul, self.jumps, strides)), moved.starts, stops)

    def moved(self, before: Iterable[int] | None) -> "View":
        """Returns the view after so many positions are put before the first, per axis, or cut off where negative."""
        if before is None or self.starts is None or self.stops is None:
            return replace(self, starts=None, stops=None)
        shifts = [pad * jump for pad, jump in zip(before, self.jumps, strict=True)]
        return replace(
            self,
            starts=tuple(map(operator.sub, self.starts, shifts)),
            stops=tuple(map(operator.sub, self.stops, shifts)),
        )

    def window(self, position: Iterable[int]) -> tuple[slice, ...] | None:
        """Returns the elements of the input that one position depends on; None where not known.

        The slices are as wide as the receptive field. They start below 0, or end beyond the input, in its padding.
        """
        if self.starts is None or self.stops is None or not all(map(math.isfinite, (*self.starts, *self.stops))):
            return None
        axes = zip(self.starts, self.stops, self.jumps, position, strict=True)
        return tuple(slice(int(start) + at * jump, int(stop) + at * jump) for start, stop, jump, at in axes)

    def over(self, sizes: Shape) -> "View":
        """Returns the view of all positions of a map at once."""
        whole = self.through((math.inf if size is None else size for size in sizes), (0,) * len(sizes))
        spans, rank = self.sizes if whole.spans is None else whole.spans, len(self.sizes)
        return View(self.sizes, spans, (0,) * rank, (0,) * rank, self.sizes)


def views(graph: Graph, shapes: Mapping[int, Shape], channels_first: bool) -> dict[int, View]:
    """Returns the view of every value of a graph, by the value's number.

    Args:
      graph: the calls.
      shapes: of every value, without the batch.
      channels_first: whether the channels come before the spatial axes.
    """
    found = {number: _whole(spatial(shapes[number], channels_first)) for number in graph.inputs}
    for call in graph.calls:
        view = _largest([found[number] for number in call.inputs])
        if call.inputs:
            taken, given = shapes[call.inputs[0]], shapes[call.outputs[0]]
            view = _after(call, view, taken, given, channels_first)
        found.update(dict.fromkeys(call.outputs, view))
    return found


def spatial(shape: Shape, channels_first: bool) -> Shape:
    """Returns the spatial sizes of `(*spatial, channels)`, or channels first."""
    return tuple(shape[1:] if channels_first else shape[:-1])


def _whole(sizes: Shape) -> View:
    """Returns the view of an input, which is itself."""
    rank = len(sizes)
    known = tuple(math.inf if size is None else size for size in sizes)
    return View(known, (1,) * rank, (1,) * rank, (0,) * rank, (1,) * rank)


def _largest(found: list[View]) -> View:
    """Returns the largest along each axis; inputs without spatial axes are ignored if others have them."""
    rank = max(len(view.sizes) for view in found)
    found = [view for view in found if len(view.sizes) == rank]
    spans = [view.spans for view in found if view.spans is not None]
    starts = [view.starts for view in found if view.starts is not None]
    stops = [view.stops for view in found if view.stops is not None]
    return View(
        tuple(map(max, zip(*(view.sizes for view in found), strict=True))),
        tuple(map(max, zip(*spans, strict=True))) if len(spans) == len(found) else None,
        tuple(map(max, zip(*(view.jumps for view in found), strict=True))),
        tuple(map(min, zip(*starts, strict=True))) if len(starts) == len(found) else None,
        tuple(map(max, zip(*stops, strict=True))) if len(stops) == len(found) else None,
    )


def _after(call: Call, view: View, taken: Shape, given: Shape, channels_first: bool) -> View:
    """Returns the view of what a layer gives from that of what it takes; shapes are without the batch."""
    layer = call.layer
    if is_convolution(layer) and not is_transposed(layer):
        before = _before(layer, layer.kernel_size, layer.dilation_rate, spatial(taken, channels_first))
        return view.through(map(pads.span, layer.kernel_size, layer.dilation_rate), layer.strides, before)
    if isinstance(layer, POOLINGS):
        before = _before(layer, layer.pool_size, (1,) * len(layer.pool_size), spatial(taken, channels_first))
        return view.through(layer.pool_size, layer.strides, before)
    if isinstance(layer, COLLAPSING) or is_mean(layer, len(taken), channels_first):
        return view.over(spatial(taken, channels_first))
    if isinstance(layer, keras.layers.Reshape) and spatial(taken, channels_first) == spatial(given, channels_first):
        return view
    if isinstance(layer, POINTWISE) or is_pointwise(layer):
        axis = getattr(layer, "axis", None)
        axes = () if axis is None else axis if isinstance(axis, list | tuple) else (axis,)
        rank = len(taken) + 1
        mixes = any(axis % rank not in (0, 1 if channels_first else rank - 1) for axis in axes)
        return view.unknown() if mixes else _moved(layer, view)
    return _moved(layer, view) if is_pointwise_operation(layer) else view.unknown()


def _before(layer: Any, sizes: Iterable[int], dilations: Iterable[int], taken: Shape) -> tuple[int, ...] | None:
    """Returns the number of padded positions before the first along each axis of a window's input.

    None where it depends on a size that is not known.
    """
    sizes, dilations, strides = tuple(sizes), tuple(dilations), tuple(layer.strides)
    is_by_size = isinstance(layer.padding, str) and layer.padding != "valid"
    if is_by_size and any(size is None and stride > 1 for size, stride in zip(taken, strides, strict=False)):
        return None
    geometry = pads.Geometry(sizes, strides, dilations, layer.padding)
    return tuple(int(before) for before, _ in geometry.pairs(size or 0 for size in taken))


def _moved(layer: Any, view: View) -> View:
    """Returns the view after a layer that may put positions before the first, or cut some off."""
    if type(layer).__name__ == "Pad":
        return view.moved(None)
    for kinds, name, sign in ((PADDINGS, "padding", 1), (CROPPINGS, "cropping", -1)):
        if isinstance(layer, kinds):
            pairs = getattr(layer, name)
            pairs = (pairs,) if isinstance(pairs[0], int) else pairs
            return view.moved(sign * before for before, _ in pairs)
    return view
