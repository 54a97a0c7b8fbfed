"""Looking into images before they are trained on: at their headers, or at every pixel."""

import dataclasses
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer.data.kinds.image.decode import decode
from trainer.data.kinds.image.header import Header
from trainer.data.sources import Sources

_FIRST = 1 << 16  # bytes; only a preview or a profile makes a header longer
_CHUNK = 256  # images that a thread takes at once
_SIZE = (8, 8)  # that images are brought to whose pixels nobody wants to see

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Broken:
    """An image that cannot be read."""

    index: int
    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: must be a JPEG, PNG, GIF, BMP or WebP image that can be read. Received: {self.reason}"


@dataclasses.dataclass(frozen=True)
class Headers:
    """What the headers of many images say.

    Attributes:
      sizes: `(count, 2)`, height and width; zeros where it is broken.
      grey: `(count,)`, whether it is grey.
      jpeg: `(count,)`, whether it is a JPEG.
      broken: the others.
    """

    sizes: npt.NDArray[np.int64]
    grey: npt.NDArray[np.bool_]
    jpeg: npt.NDArray[np.bool_]
    broken: list[Broken]


def read_headers(sources: Sources, told: Callable[[int], object] = lambda count: None) -> Headers:
    """Returns what the headers of all images say.

    Args:
      sources: the images; their shape does not matter.
      told: hears of so many more images, in any thread's turn.
    """

    def look(index: int) -> Header | Broken:
        try:
            content = sources.content(index, _FIRST)
            try:
                return Header.read(content)
            except ValueError:
                if len(content) < _FIRST:
                    raise
                return Header.read(sources.content(index))
        except (OSError, ValueError) as error:
            return Broken(index, sources.name(index), reason_of(error))

    found = list(each(look, len(sources), told))
    sizes = [(one.height, one.width) if isinstance(one, Header) else (0, 0) for one in found]
    return Headers(
        np.array(sizes, np.int64).reshape(-1, 2),
        np.array([isinstance(one, Header) and one.is_grey for one in found], np.bool_),
        np.array([isinstance(one, Header) and one.format == "JPEG" for one in found], np.bool_),
        [one for one in found if isinstance(one, Broken)],
    )


def find_broken(sources: Sources, told: Callable[[int], object] = lambda count: None) -> Iterator[Broken]:
    """Yields the images that cannot be decoded, in their order; every pixel of each is looked at."""
    look = tf.function(
        lambda encoded: decode(encoded, _SIZE, sources.shape[-1]), input_signature=[tf.TensorSpec((), tf.string)]
    )

    def check(index: int) -> Broken | None:
        try:
            content = sources.content(index)
            Header.read(content)
            look(tf.constant(content))
        except (OSError, ValueError, tf.errors.OpError) as error:
            return Broken(index, sources.name(index), reason_of(error))
        return None

    yield from (one for one in each(check, len(sources), told) if one)


def each(look: Callable[[int], T], count: int, told: Callable[[int], object]) -> Iterator[T]:
    """Yields what a look at each of so many images gives, in their order; the looks are shared out to threads."""

    def chunk(first: int) -> Sequence[T]:
        return [look(index) for index in range(first, min(first + _CHUNK, count))]

    with ThreadPoolExecutor(min(32, 4 * (os.cpu_count() or 1)), thread_name_prefix="images") as threads:
        for found in threads.map(chunk, range(0, count, _CHUNK)):
            told(len(found))
            yield from found


def reason_of(error: Exception) -> str:
    """Returns what a reader or a decoder complains of, in one line, without where in a graph it stands."""
    if isinstance(error, tf.errors.OpError):
        said = str(error.message).partition("\t [[")[0]  # before it, a retraced graph tells where it was made
        text = [line for line in said.splitlines() if line.strip()][-1].rsplit("}} ", 1)[-1]
        return text.removeprefix("assertion failed: ").split(" [Op:")[0].strip(" []'b.")
    return str(getattr(error, "strerror", None) or error)
