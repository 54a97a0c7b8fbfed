"""A data set of images that stay on the disk: their classes, parts, size and colour, decided before training."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from trainer.data import entries as listed
from trainer.data import inspection
from trainer.data.entries import PARTS, TRAIN, Entry
from trainer.data.inspection import Broken, Headers
from trainer.data.sources import Sources
from trainer.errors import UsageError

# Where the images do not say a size themselves, as photographs do not. At 224 pixels of a side the default network has
# 103 million parameters, and trains in 8 GB; at 96 it has 19 million.
SIZE = 96
_MOST_PIXELS = 128 * 128


@dataclasses.dataclass(frozen=True)
class Form:
    """What images are brought to.

    Attributes:
      size: pixels of a side; 0 is what the images themselves are, where all are alike and have no more than 128 x 128
        pixels, else 96.
      color: grey, rgb, or auto: grey where all images are.
      skip_broken: whether images that cannot be read are left out; else the first one is an error.
    """

    size: int = 0
    color: str = "auto"
    skip_broken: bool = False


def make(
    entries: Sequence[Entry], validation_split: float, form: Form, tell: Callable[[str], object]
) -> tuple[dict[str, Sources], tuple[str, ...]]:
    """Returns the images of each part, and the names of the classes.

    Args:
      entries: the images.
      validation_split: the share of the training images that becomes the validation part, where there is none.
      form: what they are brought to.
      tell: hears a line about each image that is left out.

    Raises:
      UsageError: an image is broken, a class is trained on no image, or a part has none.
    """
    parted = listed.split(entries, validation_split)
    names = listed.class_names(parted)
    _check_classes(parted, names)
    sources = Sources.of(parted, names)
    headers = inspection.read_headers(sources)
    if headers.broken and not form.skip_broken:
        more = len(headers.broken) - 1
        also = f" (and {more:,} more)" if more else ""
        raise UsageError(f"{headers.broken[0]}{also}; `--skip_broken=yes` leaves such images out")
    if form.skip_broken:
        parted, sources, headers = _without_broken(parted, sources, headers, tell)
        _check_classes(parted, names)
    size, channels = _size(headers, form.size), _channels(headers, form.color)
    is_plain = channels == 3 and bool(headers.jpeg.all() and (headers.sizes == size).all())
    which = np.array([PARTS.index(entry.part) for entry in parted])
    formed = dataclasses.replace(sources, shape=(*size, channels), is_plain=is_plain)
    chosen = {part: formed.chosen(np.flatnonzero(which == index)) for index, part in enumerate(PARTS)}
    return chosen, names


def _without_broken(
    parted: list[Entry], sources: Sources, headers: Headers, tell: Callable[[str], object]
) -> tuple[list[Entry], Sources, Headers]:
    broken: dict[int, Broken] = {one.index: one for one in (*headers.broken, *inspection.find_broken(sources))}
    for one in sorted(broken.values(), key=lambda found: found.place):
        tell(f"left out: {one.place}: {one.reason}")
    if broken:
        tell(f"{len(broken):,} of {len(parted):,} images are broken and left out")
    kept = np.setdiff1d(np.arange(len(parted)), [*broken])
    parted = [parted[index] for index in kept]
    return parted, sources.chosen(kept), Headers(headers.sizes[kept], headers.grey[kept], headers.jpeg[kept], [])


def _check_classes(parted: Sequence[Entry], names: Sequence[str]) -> None:
    trained = {entry.label for entry in parted if entry.part == TRAIN}
    for entry in parted:
        if entry.label not in trained:
            raise UsageError(
                f"{entry.place}: a class must have an image among those to train on. "
                f"Received: {entry.label}, which has {'none' if trained else 'none, as no class has'}"
            )
    if len(names) < 2:
        raise UsageError(f"`--data` must hold at least two classes. Received: {', '.join(names)}")


def _size(headers: Headers, asked: int) -> tuple[int, int]:
    if asked:
        return asked, asked
    height, width = headers.sizes[0]
    alike = (headers.sizes == headers.sizes[0]).all() and height * width <= _MOST_PIXELS
    return (int(height), int(width)) if alike else (SIZE, SIZE)


def _channels(headers: Headers, color: str) -> int:
    return 1 if color == "grey" or (color == "auto" and headers.grey.all()) else 3
