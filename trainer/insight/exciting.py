"""The patches of samples that excite each filter of a convolution most, cut out by the layer's receptive field.

Source: Zeiler and Fergus, Visualizing and Understanding Convolutional Networks, 2014, section 4.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from trainer.insight import choice
from trainer.insight.graph import Call, Graph, kernel_of
from trainer.insight.opened import inside
from trainer.insight.receptive_field import View, views
from trainer.insight.shapes import held, shapes
from trainer.insight.table import multiply_adds
from trainer.insight.unfolded import Unfolded, compiled

_MOST_SAMPLES, _FEWEST_SAMPLES = 256, 32
_WORK = 1_000_000_000  # multiply-adds of all samples: 0.05 s on two cores, at each picture moment
_BATCH = 64
_FILTERS, _PATCHES = 6, 4

Window = tuple[slice, ...]


@dataclass(frozen=True)
class Exciting:
    """The strongest filters of one convolution and what excites them.

    Attributes:
      filters: their numbers, ascending, `(filters,)`; those that give one value everywhere are not among them.
      count: the number of all filters.
      pool: the number of samples that were searched.
      kernels: of these filters, `(filters, *spatial, channels)`.
      samples: the index of the sample of each patch, the most exciting one first, `(filters, patches)`.
      values: the filter's output at the patch, `(filters, patches)`.
      patches: `(filters, patches, *window, channels)`, float32; NaN outside of the sample. A window that is longer than
        the sample along an axis is the whole axis there.
      span: the size of the receptive field, per axis; it can be larger than a window.
      centres: the middle of the receptive field within each patch, `(filters, patches, rank)`.
    """

    filters: np.ndarray
    count: int
    pool: int
    kernels: np.ndarray
    samples: np.ndarray
    values: np.ndarray
    patches: np.ndarray
    span: tuple[int, ...]
    centres: np.ndarray


class Excitation:
    """Finds what excites the filters of a model's convolutions, with the model's current weights.

    Only convolutions whose receptive field is known, over the sample's own axes, are searched. Traced once.

    Args:
      model: a Sequential or functional model from `(batch, *spatial, channels)`.
      graph: of the model; by default as `inside` gives it.
      calls: the convolutions; by default all, or of a deep model those that `trainer.insight.choice` selects.
    """

    def __init__(self, model: keras.Model, graph: Graph | None = None, calls: Sequence[Call] | None = None):
        graph = graph or inside(model, model.outputs[:1])
        self._shape = tuple(model.inputs[0].shape[1:])
        calls = choice.convolutions(graph) if calls is None else calls
        calls = [call for call in calls if len(call.node.outputs[0].shape) == len(self._shape) + 1]
        extended, activated = graph.activated(calls)
        inner = shapes(model, extended)
        found = views(extended, inner, False)
        known = [
            (call, value, found[value])
            for call, value in zip(calls, activated, strict=True)
            if call.layer.data_format == "channels_last" and found[value].window([0] * (len(self._shape) - 1))
        ]
        self._calls: list[tuple[Call, View]] = [(call, view) for call, _, view in known]
        self._network = Unfolded(model, extended, [value for _, value, _ in known])
        cost = sum(multiply_adds(c.layer, inner[c.inputs[0]], inner[c.outputs[0]]) or 0 for c in graph.calls)
        self._most = max(_FEWEST_SAMPLES, min(_MOST_SAMPLES, _WORK // max(1, cost)))
        self._batch = min(_BATCH, held(inner))
        self._peaks = compiled(self._take_peaks, (tf.TensorSpec((None, *self._shape), tf.float32),))

    def find(
        self, samples: np.ndarray, filters: int = _FILTERS, patches: int = _PATCHES, names: Sequence[str] = ()
    ) -> dict[str, Exciting]:
        """Returns the strongest filters of each convolution with their patches, at most one of a sample, by name.

        A filter is as strong as its largest outputs for the samples. Of many samples the first are searched: 256, or
        fewer for a large network, but at least 32.

        Args:
          samples: `(count, *spatial, channels)`.
          filters: of a convolution, at most.
          patches: of a filter, at most.
          names: the convolutions; by default all.
        """
        pool = samples[: self._most]
        parts = [
            self._peaks(tf.constant(pool[first : first + self._batch], tf.float32))
            for first in range(0, len(pool) if self._calls else 0, self._batch)
        ]
        found = {}
        for index, (call, view) in enumerate(self._calls):
            if names and call.name not in names:
                continue
            highest, lowest, at = (np.concatenate([part[index][one].numpy() for part in parts]) for one in range(3))
            sizes = tuple(parts[0][index][3].numpy().tolist())
            found[call.name] = _strongest(
                pool, kernel_of(call.layer), view, (highest, lowest, at, sizes), (filters, patches)
            )
        return found

    def _take_peaks(self, samples: tf.Tensor) -> list[tuple[tf.Tensor, ...]]:
        """Returns, for each convolution, of each sample and filter the largest value, the least, and its position."""
        peaks = []
        for output in self._network(samples, training=False) if self._calls else ():
            maps = tf.cast(output, tf.float32)
            flat = tf.reshape(maps, (tf.shape(maps)[0], -1, maps.shape[-1]))
            sizes = tf.shape(maps)[1:-1]
            peaks.append((tf.reduce_max(flat, 1), tf.reduce_min(flat, 1), tf.argmax(flat, 1), sizes))
        return peaks


def exciting(
    model: keras.Model, samples: np.ndarray, names: Sequence[str] = (), filters: int = _FILTERS, patches: int = _PATCHES
) -> dict[str, Exciting]:
    """Returns what excites the strongest filters of a model's convolutions; see `Excitation`.

    Raises:
      ValueError: the model has no convolution of a name whose receptive field is known.
    """
    excitation = Excitation(model, calls=[c for c in inside(model).convolutions if c.name in names] if names else None)
    found = excitation.find(samples, filters, patches)
    if not found or set(names) - set(found):
        raise ValueError(
            f"`names` must be convolutions of {model.name} with a known receptive field. Received: {', '.join(names)}"
        )
    return found


def _strongest(
    pool: np.ndarray, kernel: np.ndarray, view: View, peaks: tuple[Any, ...], most: tuple[int, int]
) -> Exciting:
    highest, lowest, at, sizes = peaks
    highest = np.where(np.isfinite(highest), highest, -np.inf)
    few = min(most[1], len(pool))
    order = np.argsort(-highest, axis=0, kind="stable")[:few]  # (patches, filters)
    strength = np.take_along_axis(highest, order, 0).mean(0)
    alive = np.flatnonzero((highest.max(0) > lowest.min(0)) & np.isfinite(strength))
    filters = np.sort(alive[np.argsort(-strength[alive], kind="stable")][: most[0]])
    chosen = order[:, filters].T
    places = np.stack(np.unravel_index(at[chosen, filters[:, None]], sizes), -1)
    windows = [view.window(place) or () for place in places.reshape(-1, len(sizes))]
    cut = [patch(pool[sample], window) for sample, window in zip(chosen.ravel(), windows, strict=True)]
    span = view.window([0] * len(sizes)) or ()
    shape = (
        tuple(min(size, one.stop - one.start) for size, one in zip(pool.shape[1:-1], span, strict=True))
        + pool.shape[-1:]
    )
    return Exciting(
        filters,
        kernel.shape[-1],
        len(pool),
        np.moveaxis(kernel[..., filters], -1, 0),
        chosen,
        highest[chosen, filters[:, None]],
        np.array([values for values, _ in cut], np.float32).reshape(*chosen.shape, *shape),
        tuple(one.stop - one.start for one in span),
        np.array([centre for _, centre in cut], np.float32).reshape(*chosen.shape, len(sizes)),
    )


def patch(sample: np.ndarray, window: Window) -> tuple[np.ndarray, tuple[float, ...]]:
    """Returns a window of a sample `(*spatial, channels)`, with NaN outside of it, and the window's middle within it.

    Along an axis where the window is longer than the sample, it is the whole sample.
    """
    spans: list[slice] = []
    edges: list[tuple[int, int]] = []
    centre: list[float] = []
    for size, one in zip(sample.shape[:-1], window, strict=True):
        middle = (one.start + one.stop) / 2
        start, stop = (0, size) if one.stop - one.start > size else (one.start, one.stop)
        spans.append(slice(max(0, min(start, size)), max(0, min(stop, size))))
        edges.append((min(stop - start, max(0, -start)), min(stop - start, max(0, stop - size))))
        centre.append(min(max(middle - start, 0.0), float(stop - start)))
    inner = sample[tuple(spans)].astype(np.float32)
    return np.pad(inner, [*edges, (0, 0)], constant_values=np.nan), tuple(centre)
