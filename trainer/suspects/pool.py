"""The samples of a data set as one sequence: those that folds divide first, then those of its test part."""

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer import data
from trainer.data.kinds import coarse

Indices = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class Pool:
    """The samples of all parts.

    Attributes:
      dataset: as the final run of a cross-validation has it.
    """

    dataset: data.Dataset

    @functools.cached_property
    def stores(self) -> Sequence[data.Store]:
        """The stores of train, validation and test."""
        return [getattr(self.dataset, part) for part in data.PARTS]

    @functools.cached_property
    def names(self) -> Sequence[str]:
        """The name of each sample."""
        return [name for part in data.PARTS for name in self.dataset.names(part)]

    @functools.cached_property
    def labels(self) -> Indices:
        """The class number of each sample."""
        return np.concatenate([store.targets for store in self.stores]).astype(np.int64)

    @functools.cached_property
    def parts(self) -> Indices:
        """The number of each sample's part."""
        return np.repeat(np.arange(len(self.stores)), [*map(len, self.stores)])

    def chosen(self, indices: Indices) -> Iterator[data.Store]:
        """Yields stores of some of the samples, which are in order; at most one for each part."""
        first = 0
        for store in self.stores:
            own = indices[(indices >= first) & (indices < first + len(store))] - first
            first += len(store)
            if len(own):
                yield _some(store, own)

    def samples(self, indices: Sequence[int]) -> dict[int, npt.NDArray[Any]]:
        """Returns some of the samples, `(*spatial, channels)` each, by index."""
        ordered = np.unique(np.array(indices, np.int64))
        found = [sample for store in self.chosen(ordered) for sample in _read(store)]
        return dict(zip(ordered.tolist(), found, strict=True))

    def coarse(self) -> coarse.Vectors:
        """Returns all samples in coarse form, `(samples, values)`, reading a batch of them at a time."""
        found = [_coarse(store) for store in self.stores if len(store)]
        return np.concatenate(found)


def _some(store: data.Store, indices: Indices) -> data.Store:
    if isinstance(store, data.Files):
        return store.chosen(indices)
    held = store.arrays()
    return data.Memory(held["samples"][indices], held["targets"][indices], store.form)


def _read(store: data.Store) -> Iterator[npt.NDArray[Any]]:
    if isinstance(store, data.Memory):
        yield from store.samples
        return
    for samples, _ in data.evaluation_batches(store).as_numpy_iterator():
        yield from samples.astype(np.uint8) if store.form.is_bounded else samples


def _coarse(store: data.Store) -> coarse.Vectors:
    if isinstance(store, data.Memory):
        return coarse.coarse(store.samples)
    batches = data.evaluation_batches(store).as_numpy_iterator()
    return np.concatenate(
        [coarse.coarse(samples.astype(np.uint8) if store.form.is_bounded else samples) for samples, _ in batches]
    )
