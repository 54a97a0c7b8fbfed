"""Samples that cannot be read, found before they are trained on."""

import dataclasses
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import tensorflow as tf

from trainer.data.kinds.kind import Kind
from trainer.data.kinds.reason import reason_of
from trainer.data.stores.locations import Locations

_CHUNK = 256  # samples per task of a thread

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Broken:
    """A sample that cannot be read.

    Attributes:
      index: the index of the sample in its store.
      location: its location, for messages.
      files: the kind of file that is expected, as in `Kind.files`.
      reason: why it cannot be read.
    """

    index: int
    location: str
    files: str
    reason: str

    @classmethod
    def of(cls, locations: Locations, index: int, kind: Kind[Any], error: Exception) -> "Broken":
        """Returns the sample at an index, which cannot be read because of an error."""
        return cls(index, locations.name(index), kind.files, reason_of(error))

    def __str__(self) -> str:
        return f"{self.location}: must be {self.files} that can be read. Received: {self.reason}"


def find_broken(locations: Locations, kind: Kind[Any], channels: int | None = None) -> Iterator[Broken]:
    """Yields the samples that cannot be decoded, in order; decodes every pixel.

    Args:
      locations: the locations of the samples.
      kind: the kind of the samples.
      channels: the channels to decode; None means as many as there are.
    """

    def check(index: int) -> Broken | None:
        try:
            kind.check(locations.content(index), channels)
        except (OSError, ValueError, tf.errors.OpError) as error:
            return Broken.of(locations, index, kind, error)
        return None

    yield from (one for one in each(check, len(locations)) if one)


def each(look: Callable[[int], T], count: int, on_progress: Callable[[int], object] = lambda more: None) -> Iterator[T]:
    """Yields the result of a function for each sample, in order; threads share the work.

    Args:
      look: maps the index of a sample to its result.
      count: the number of samples.
      on_progress: receives the number of further samples that are done.
    """

    def chunk(first: int) -> Sequence[T]:
        return [look(index) for index in range(first, min(first + _CHUNK, count))]

    with ThreadPoolExecutor(min(32, 4 * (os.cpu_count() or 1)), thread_name_prefix="samples") as threads:
        for found in threads.map(chunk, range(0, count, _CHUNK)):
            on_progress(len(found))
            yield from found
