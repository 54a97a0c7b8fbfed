"""The samples of a data set as one sequence: those that folds divide first, then those of its test part."""

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer import data
from trainer.data.kinds import coarse
from trainer.objectives.suspects.choice import BY_TARGET, Suspicion

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
    def targets(self) -> npt.NDArray[Any]:
        """The target of each sample: class numbers, `(samples,)`, or labels or numbers, `(samples, outputs)`."""
        return np.concatenate([store.targets for store in self.stores])

    @functools.cached_property
    def rows(self) -> npt.NDArray[np.float32]:
        """The same, `(samples, outputs)`: of classes 1 for that of the sample."""
        is_class = self.targets.ndim == 1
        rows: npt.NDArray[np.float32] = np.eye(self.dataset.classes)[self.targets] if is_class else self.targets
        return rows.astype(np.float32)

    @functools.cached_property
    def suspicion(self) -> Suspicion:
        """How suspects are found."""
        return BY_TARGET[self.dataset.target]

    def given(self, index: int) -> str:
        """Returns the target of a sample as text."""
        return self.suspicion.given(self.targets[index], self.dataset.class_names)

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
