"""Arrays of samples and labels in one NumPy file, `.npz`, as MedMNIST and Keras name them.

`array_names.py` says which names arrays have, `shapes.py` which rank samples have, `numbered.py` which labels are
taken.
"""

import contextlib
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer.data.kinds import stored
from trainer.data.kinds.options import SampleOptions
from trainer.data.lists import folder, manifest
from trainer.data.lists.array_names import listed, pairs_of
from trainer.data.lists.given import Given, Pair
from trainer.data.lists.numbered import given_names
from trainer.data.lists.shapes import Reading, reading, times
from trainer.data.lists.targets import BY_DEFAULT, Target
from trainer.errors import UsageError, one_line

Array = npt.NDArray[Any]

_SUFFIX = ".npz"
_CHECKED = 2**24  # values that are looked at together
_BROKEN = (
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    NotImplementedError,
    MemoryError,
    zipfile.BadZipFile,
    zlib.error,
)


def is_one(path: Path) -> bool:
    """Returns whether a path is an `.npz` file, or a folder that holds such files and no folder or list of data."""
    if path.is_file():
        return path.suffix.lower() == _SUFFIX
    return bool(path.is_dir() and _files(path)) and not any(
        one.is_dir() or manifest.is_one(one) for one in _visible(path)
    )


def read(
    path: Path,
    location: str,
    options: SampleOptions,
    log: Callable[[str], object],
    target: Target = BY_DEFAULT,
) -> Given:
    """Returns the samples and the classes of an `.npz` file.

    Of unsigned bytes, images and volumes stay as they are; truth values become 0 and 255. All other numbers become
    float32. Images of four channels lose the last one, their transparency. Only the arrays that are used are read.

    Args:
      path: the file, or the folder that holds it.
      location: of the path, as the user wrote it.
      options: `rank` says what samples are whose shape does not.
      log: receives a line about ignored arrays, or about another way to read the samples.
      target: how labels are read.

    Raises:
      UsageError: it is not such a file, it lacks an array, or an array breaks a rule; the message names it.
    """
    if path.is_dir():
        files = _files(path)
        if len(files) > 1:
            raise UsageError(
                f"`--data` must be one .npz file. Received: {location}, with {len(files):,} of them, as "
                f"{files[0].name} and {files[1].name}"
            )
        path, location = files[0], f"{location.rstrip('/')}/{files[0].name}"
    location = one_line(location)
    with _opened(path, location) as file:
        pairs, names_of, unused = pairs_of(file.files, location, options.for_training)
        reference = next(iter(pairs))  # the training part, if there is one
        if unused:
            log(one_line(f"ignored in {location}: {listed(unused)} (no samples or labels of a part)"))
        names = given_names(_array(file, names_of, location), f"{location}: `{names_of}`") if names_of else ()
        labels = {of: _array(file, of, location) for _, of in pairs.values()}
        said = target.arrays(labels, pairs[reference][1], names, location, for_training=options.for_training)
        if said.missing:
            log(one_line(f"ignored classes of {location}: {listed(said.missing)} (no training sample)"))
        numbers = said.targets
        parts: dict[str, Pair] = {}
        way: Reading | None = None
        for part, (of, labels_of) in pairs.items():  # the training part is the first
            name, array = f"{location}: `{of}`", _array(file, of, location)
            if array.dtype.kind not in "biuf":
                raise UsageError(f"{name} must contain numbers. Received: {array.dtype}")
            way = way or _way(array, name, options.rank, log)
            samples = _samples(array, name, way)
            if len(samples) != len(numbers[labels_of]):
                raise UsageError(
                    f"{location}: `{labels_of}` must contain one label for each of the {len(samples):,} samples in "
                    f"`{of}`. Received: {len(numbers[labels_of]):,}"
                )
            parts[part] = samples, numbers[labels_of]
            _check_alike(samples, parts[reference][0], name, pairs[reference][0])
    return Given(parts, said.names, way.rank if way else 0, target=said.target)


def _files(path: Path) -> list[Path]:
    return [one for one in _visible(path) if one.suffix.lower() == _SUFFIX and one.is_file()]


def _visible(path: Path) -> list[Path]:
    return [one for one in sorted(path.iterdir()) if not folder.is_passed_over(one)]


@contextlib.contextmanager
def _opened(path: Path, location: str) -> Iterator[np.lib.npyio.NpzFile]:
    """Yields a file of arrays, each of which is read on demand."""
    with contextlib.ExitStack() as stack:
        try:
            stream = stack.enter_context(path.open("rb"))  # NumPy leaves a broken one open
            file = np.load(stream, allow_pickle=False)
        except _BROKEN as error:
            reason = "something else" if "pickle" in str(error) else _reason(error)  # it takes everything for that
            raise UsageError(f"{location}: must be an .npz file, a zip of arrays. Received: {reason}") from None
        if not isinstance(file, np.lib.npyio.NpzFile):
            raise UsageError(f"{location}: must be an .npz file, a zip of arrays. Received: a single array")
        yield stack.enter_context(file)


def _array(file: np.lib.npyio.NpzFile, name: str, location: str) -> Array:
    """Returns one array of a file; there is at least one value in it."""
    rule = f"{location}: `{name}` must be an array that can be read"
    try:
        array = file[name]
    except _BROKEN as error:
        reason = "pickled objects, which are never read" if "pickle" in str(error) else _reason(error)
        raise UsageError(f"{rule}. Received: {reason}") from None
    if not isinstance(array, np.ndarray):
        raise UsageError(f"{rule}. Received: a file of another form")
    if not array.size or not array.ndim:
        raise UsageError(f"{rule}, and not empty. Received: the shape {array.shape}")
    return array


def _way(array: Array, name: str, asked: int, log: Callable[[str], object]) -> Reading:
    """Returns how the training samples are read."""
    way, other = reading(array.shape[1:], array.dtype, asked, name)
    if other:
        log(f"{name}: samples of {times(array.shape[1:])} are read as {way}; `--rank={other.rank}` reads {other}")
    if stored.is_transparent(array.shape[1:], way.rank):
        log(f"{name}: {stored.LEFT_OUT}")
    return way


def _samples(array: Array, name: str, way: Reading) -> Array:
    """Returns samples as bytes, 0 to 255, or as finite float32."""
    array = stored.plain(array, array.shape[1:], way.rank)
    if way.rank > 1 and array.dtype == np.uint8:
        return array
    with np.errstate(over="ignore"):
        values = array.astype(np.float32, copy=False)
    step = max(1, _CHECKED * len(values) // values.size)
    for first in range(0, len(values), step):
        is_finite = np.isfinite(values[first : first + step]).all(tuple(range(1, values.ndim)))
        if not is_finite.all():
            raise UsageError(
                f"{name} must contain finite numbers of at most 3e38. Received: NaN, infinity or a larger one in "
                f"sample {first + int(is_finite.argmin()):,}, counted from 0"
            )
    return values


def _check_alike(samples: Array, training: Array, name: str, other: str) -> None:
    """Checks that the samples of a part have the shape and type of the training samples."""
    if samples.shape[1:] != training.shape[1:]:
        raise UsageError(
            f"{name} must have samples of {times(training.shape[1:])}, as `{other}`. "
            f"Received: {times(samples.shape[1:]) or 'single numbers'}"
        )
    if samples.dtype != training.dtype:
        one, wanted = (
            ("other numbers", "bytes") if training.dtype == np.uint8 else ("bytes", "other numbers than bytes")
        )
        raise UsageError(f"{name} must contain {wanted} (uint8), as `{other}`. Received: {one}")


def _reason(error: BaseException) -> str:
    """Returns why NumPy or its zip reader could not read something, in a few words."""
    return one_line(str(getattr(error, "strerror", None) or error).splitlines()[0] if str(error) else "broken content")
