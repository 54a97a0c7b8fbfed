"""The MNIST family's IDX file format.

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits".
"""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trainer.errors import UsageError

Bytes = npt.NDArray[np.uint8]


def is_one(path: Path) -> bool:
    """Returns whether a path is a folder that holds an IDX file."""
    return path.is_dir() and any(file.name.endswith(("-ubyte", "-ubyte.gz")) for file in path.iterdir())


def read_folder(folder: Path) -> tuple[tuple[Bytes, Bytes], tuple[Bytes, Bytes]]:
    """Returns `(images, labels)` of the training part and of the test part.

    Images are `(count, height, width)` and labels `(count,)`, both uint8. The four files are
    `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte`,
    each plain or with `.gz`.

    Raises:
      UsageError: a file is missing or broken, or two of them disagree; the message names the file.
    """
    train, test = _read_part(folder, "train"), _read_part(folder, "t10k")
    classes = _count_classes(train[1], _find(folder, "train-labels-idx1-ubyte"))
    if test[1].max() >= classes:
        raise UsageError(
            f"{_find(folder, 't10k-labels-idx1-ubyte')}: a label must be from 0 to {classes - 1}, as in training. "
            f"Received: {test[1].max()}"
        )
    if train[0].shape[1:] != test[0].shape[1:]:
        raise UsageError(
            f"{_find(folder, 't10k-images-idx3-ubyte')}: test images must have the training images' size, "
            f"{_times(train[0].shape[1:])}. Received: {_times(test[0].shape[1:])}"
        )
    return train, test


def read(path: Path, rank: int) -> Bytes:
    """Returns the array in one IDX file of unsigned bytes.

    Args:
      path: the file; compressed if its name ends in `.gz`.
      rank: the number of axes that the array must have.

    Raises:
      UsageError: the file cannot be read, is of another kind, or is shorter or longer than it says.
    """
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{path}: must be a readable IDX file. Received: {error}") from None
    header = 4 + 4 * rank
    magic = bytes((0, 0, 8, rank))  # 8: unsigned bytes
    if content[:4] != magic:
        raise UsageError(
            f"{path}: an IDX file of {rank} axes of bytes must begin with {magic.hex()}. "
            f"Received: {content[:4].hex() or 'an empty file'}"
        )
    if len(content) < header:
        raise UsageError(f"{path}: must have a header of {header} bytes. Received: {len(content)} bytes")
    shape = tuple(int(size) for size in np.frombuffer(content, ">u4", rank, offset=4))
    if len(content) - header != math.prod(shape):
        raise UsageError(
            f"{path}: must contain the {math.prod(shape):,} bytes of {_times(shape)} after its header. "
            f"Received: {len(content) - header:,}"
        )
    if 0 in shape:
        raise UsageError(f"{path}: no axis may be empty. Received: {_times(shape)}")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def _read_part(folder: Path, part: str) -> tuple[Bytes, Bytes]:
    images_path, labels_path = _find(folder, f"{part}-images-idx3-ubyte"), _find(folder, f"{part}-labels-idx1-ubyte")
    images, labels = read(images_path, 3), read(labels_path, 1)
    if len(images) != len(labels):
        raise UsageError(
            f"{labels_path}: must contain one label for each of the {len(images):,} images in {images_path.name}. "
            f"Received: {len(labels):,}"
        )
    return images, labels


def _find(folder: Path, name: str) -> Path:
    dotted = name.replace("-idx", ".idx")  # as some copies are called
    for path in (folder / one for one in (name, f"{name}.gz", dotted, f"{dotted}.gz")):
        if path.is_file():
            return path
    raise UsageError(f"{folder}: a folder of IDX files must contain {name} or {name}.gz")


def _count_classes(labels: Bytes, path: Path) -> int:
    present = np.unique(labels)
    gaps = np.flatnonzero(np.diff(present) > 1)
    if present[0] > 1 or len(gaps):  # one family, EMNIST's letters, counts from 1
        stray = present[gaps[0] + 1] if len(gaps) else present[0]
        raise UsageError(f"{path}: labels must be consecutive numbers from 0. Received: {stray} without {stray - 1}")
    return int(present[-1]) + 1


def _times(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
