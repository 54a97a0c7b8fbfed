"""Files of one array each, `.npy`, read into memory: signals, and images that are arrays."""

import io
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer.data.kinds import npy, stored
from trainer.data.kinds.options import SampleOptions
from trainer.data.lists import one_length
from trainer.data.lists.dropped import Dropped
from trainer.data.lists.entries import PARTS, TEST, TRAIN, Entry
from trainer.data.lists.folds import Fold
from trainer.data.lists.given import Given
from trainer.data.lists.split import split
from trainer.data.lists.targets import BY_DEFAULT, Target
from trainer.errors import UsageError, one_line
from trainer.hparams import CLASSES

_SIGNAL, _IMAGE = 1, 2  # ranks


def read(
    entries: Sequence[Entry],
    rank: int,
    validation_split: float,
    options: SampleOptions,
    log: Callable[[str], object],
    *,
    fold: Fold | None = None,
    target: Target = BY_DEFAULT,
    drop: Dropped | None = None,
) -> Given:
    """Returns what files of arrays hold, each part with its samples.

    Signals, `(length,)` or `(length, channels)`, are converted to one length; images, `(height, width)` or
    `(height, width, channels)`, must be of one shape. Images of four channels lose the last one, their transparency;
    truth values of images become 0 and 255.

    Args:
      entries: the files, each with its label.
      rank: the number of spatial axes of each.
      validation_split: the share of the training samples that becomes the validation part, where there is none.
      options: what they are brought to.
      log: receives lines about what is changed.
      target: how labels are read.
      fold: of a cross-validation; the test part of its final run may be empty.
      drop: the samples to leave out.

    Raises:
      UsageError: a file is no such array, or differs from the others; the message names it.
    """
    if fold:  # before a fold leaves the given test part out
        target.check(entries, target.names(entries), "a sample", ("", TRAIN))
    parted = split(entries, validation_split, fold, target.strata)
    counted = len(parted)
    if drop:
        parted = drop.left(parted, entries, "an array", target)
    names = target.names(parted)
    if target.name != CLASSES:
        target.check(parted, names, "a sample", (TRAIN, TEST) if fold and fold.number else (TRAIN,))
    whole = [_array(entry, rank) for entry in parted]
    if any(stored.is_transparent(array.shape, rank) for array in whole):
        log(stored.LEFT_OUT)
    arrays = [stored.plain(array, array.shape, rank) for array in whole]
    for entry, array in zip(parted, arrays, strict=True):
        if array.shape[-1] != arrays[0].shape[-1] or (rank == _IMAGE and array.shape != arrays[0].shape):
            raise UsageError(
                f"{entry.place}: must have the shape {arrays[0].shape}, as {parted[0].place}. Received: {array.shape}"
            )
    numbers = target.encoded(parted, names)
    which = np.array([PARTS.index(entry.part) for entry in parted])
    samples = _brought(arrays, options, log) if rank == _SIGNAL else _stacked(arrays)
    parts = {part: (samples[which == index], numbers[which == index]) for index, part in enumerate(PARTS)}
    called = {part: [one.location for one in parted if one.part == part] for part in PARTS}
    tested = called[TEST] if fold and fold.number else ()
    dropped = counted - len(parted)
    return Given(parts, names, rank, test_names=tested, target=target.name, names=called, dropped=dropped)


def _array(entry: Entry, rank: int) -> npt.NDArray[Any]:
    """Returns a file's array with its channels as the last axis."""
    try:
        content = entry.read()
        npy.header(content)  # which refuses what may not be read
        array: npt.NDArray[Any] = np.load(io.BytesIO(content), allow_pickle=False)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(
            f"{entry.place}: must be an array that can be read. Received: {one_line(str(reason))}"
        ) from None
    array = array[..., np.newaxis] if array.ndim == rank else array
    if array.ndim != rank + 1 or not array.size:
        raise UsageError(f"{entry.place}: must have {rank} or {rank + 1} axes. Received: shape {array.shape}")
    if array.dtype.kind != "f":
        return array
    with np.errstate(over="ignore"):
        values: npt.NDArray[Any] = array.astype(np.float32)
    if rank == _IMAGE and not np.isfinite(values).all():
        raise UsageError(
            f"{entry.place}: must contain finite numbers of at most 3e38. Received: NaN, infinity or a larger number"
        )
    if np.isinf(values).any():
        value = f"{array[np.isinf(values)][0]:g}"
        raise UsageError(
            f"{entry.place}: must have numbers of at most 3e38, or NaN where one is missing. Received: {value}"
        )
    return values


def _brought(
    arrays: Sequence[npt.NDArray[Any]], options: SampleOptions, log: Callable[[str], object]
) -> npt.NDArray[np.float32]:
    series = [[*np.ascontiguousarray(array.T, np.float32)] for array in arrays]  # channels, each an array
    length, counts = options.length or one_length.longest(series), one_length.Counts()
    samples = one_length.brought(series, length, counts)
    for line in counts.lines(length):
        log(line)
    return samples


def _stacked(arrays: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    whole = np.stack(arrays)
    return whole if whole.dtype == np.uint8 else whole.astype(np.float32)
