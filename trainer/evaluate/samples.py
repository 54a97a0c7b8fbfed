"""Labelled samples that a model is to answer: files, or arrays in memory."""

import dataclasses
import hashlib
import os
import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from trainer.data.kinds.options import SampleOptions
from trainer.data.kinds.reason import reason_of
from trainer.data.lists.entries import WHOLE, Entry
from trainer.errors import UsageError
from trainer.serving.predictor import Answer, BrokenSampleError, Predictor, Values

Indices = npt.NDArray[np.int64]
Found = list[Answer | BrokenSampleError]

_READERS = 8  # threads; a network disk answers several at a time
_COLORS = {1: "grey", 3: "rgb"}  # of images, by channels


class Samples(Protocol):
    """Samples, each with its label."""

    @property
    def labels(self) -> Sequence[str]:
        """The target of each sample, as `Entry.label`: of a classifier its class, by name."""

    def chosen(self, indices: Indices) -> "Samples":
        """Returns some of the samples, in the order of the indices."""

    def name(self, index: int) -> str:
        """Returns the path of a sample, or its data set, part and number there, counted from 0."""

    def answers(self, predictor: Predictor, first: int, last: int) -> Found:
        """Returns the model's answers for consecutive samples, or why there is none."""

    def values(self, predictor: Predictor, indices: Indices) -> list[Values | BrokenSampleError]:
        """Returns some samples as the model takes them, or why they cannot be read."""

    def digest(self) -> str:
        """Returns a checksum of the names, labels and sizes of files, or of the content of arrays."""


@dataclasses.dataclass(frozen=True)
class Encoded:
    """Samples in files.

    Attributes:
      entries: one for each sample.
    """

    entries: Sequence[Entry]

    @property
    def labels(self) -> Sequence[str]:
        return [entry.label for entry in self.entries]

    def chosen(self, indices: Indices) -> "Encoded":
        return Encoded([self.entries[index] for index in indices])

    def name(self, index: int) -> str:
        return self.entries[index].location

    def answers(self, predictor: Predictor, first: int, last: int) -> Found:
        contents = _contents(self.entries[first:last])
        answered = iter(predictor.of_encoded([one for one in contents if isinstance(one, bytes)]))
        return [next(answered) if isinstance(one, bytes) else one for one in contents]

    def values(self, predictor: Predictor, indices: Indices) -> list[Values | BrokenSampleError]:
        contents = _contents([self.entries[index] for index in indices])
        decoded = iter(predictor.values_of([one for one in contents if isinstance(one, bytes)]))
        return [next(decoded) if isinstance(one, bytes) else one for one in contents]

    def digest(self) -> str:
        found = hashlib.sha256()
        for entry in self.entries:
            size = _size(entry.file) if entry.length == WHOLE else entry.length
            found.update(f"{entry.name}\0{entry.label}\0{entry.offset}\0{size}\n".encode("utf-8", "surrogateescape"))
        return found.hexdigest()


def _contents(entries: Sequence[Entry]) -> list[bytes | BrokenSampleError]:
    with ThreadPoolExecutor(_READERS, thread_name_prefix="samples") as readers:
        return [*readers.map(_content, entries)]


def _content(entry: Entry) -> bytes | BrokenSampleError:
    try:
        return entry.read()
    except OSError as error:
        return BrokenSampleError(reason_of(error))


def _size(file: str) -> int:
    try:
        return os.stat(file).st_size  # noqa: PTH116  of each of very many
    except OSError:
        return 0


@dataclasses.dataclass(frozen=True)
class Arrays:
    """Samples in memory.

    Attributes:
      arrays: of each part, `(count, *spatial)` or `(count, *spatial, channels)`.
      rows: the part, as its index in `arrays`, and the number in it of each sample, `(samples, 2)`, by part.
      labels: of the samples, as `Entry.label`.
      location: of the data set, for names.
    """

    arrays: Mapping[str, npt.NDArray[Any]]
    rows: Indices
    labels: Sequence[str]
    location: str

    def chosen(self, indices: Indices) -> "Arrays":
        return dataclasses.replace(self, rows=self.rows[indices], labels=[self.labels[index] for index in indices])

    def name(self, index: int) -> str:
        part, number = self.rows[index]
        return f"{self.location}:{[*self.arrays][part]}[{number}]"

    def answers(self, predictor: Predictor, first: int, last: int) -> Found:
        rows = self.rows[first:last]
        parts = [
            array[rows[rows[:, 0] == part, 1]] for part, array in enumerate(self.arrays.values()) if part in rows[:, 0]
        ]
        return [*predictor.of_values(fitted(np.concatenate(parts), predictor, self.location))]

    def values(self, predictor: Predictor, indices: Indices) -> list[Values | BrokenSampleError]:
        arrays = [*self.arrays.values()]
        some = [arrays[part][number] for part, number in self.rows[indices]]
        return [*fitted(np.stack(some), predictor, self.location)] if some else []

    def digest(self) -> str:
        found = hashlib.sha256("\n".join(self.labels).encode("utf-8", "backslashreplace"))
        found.update(np.ascontiguousarray(self.rows).data)
        for array in self.arrays.values():
            found.update(f"{array.shape} {array.dtype} {zlib.crc32(np.ascontiguousarray(array).data)}".encode())
        return found.hexdigest()


def fitted(values: npt.NDArray[Any], predictor: Predictor, location: str) -> npt.NDArray[Any]:
    """Returns samples in memory, brought to the form that a model takes as training brings them to it.

    Raises:
      UsageError: they have other values or cannot be brought to the form; the message names the data set.
    """
    form, kind = predictor.form, predictor.kind
    if form.rank > 1 and (values.dtype == np.uint8) != form.is_bounded:
        wanted, received = ("bytes (uint8)", values.dtype) if form.is_bounded else ("real numbers", "bytes (uint8)")
        raise UsageError(
            f"`DATA` must contain {wanted}, as the data that the model was trained on. Received: {location}, {received}"
        )
    sides = {*form.sizes}
    side = 0 if values.shape[1 : 1 + form.rank] == form.sizes or len(sides) > 1 else sides.pop()
    options = SampleOptions(
        size=side if form.rank == 2 else 0,
        color=_COLORS.get(form.channels, "auto"),
        length=form.sizes[0] if form.rank == 1 else 0,
        volume_size=side if form.rank == 3 else 0,
    )
    result = kind.fit(values, options)
    if result.shape[1:] != form.shape:
        raise UsageError(
            f"`DATA` must contain {kind.name}s of the shape {form.shape}, as the model takes. "
            f"Received: {location}, samples of shape {values.shape[1:]}"
        )
    return result
