"""Data sets: what each name or folder holds, and how it is split."""

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from trainer.data import idx
from trainer.errors import UsageError
from trainer.hparams import DATASETS

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.integer[Any]]
Parts = tuple[tuple[Images, Labels], tuple[Images, Labels]]

_DIGITS_TEST = 360  # a fifth of scikit-learn's 1,797 digits
_DIGITS_SIZE = 28  # MNIST's, so that both are one network


@dataclasses.dataclass(frozen=True)
class Split:
    """Labelled images: uint8 `(count, height, width, channels)` from 0 to 255, and int32 `(count,)`."""

    images: Images
    labels: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.labels)


@dataclasses.dataclass(frozen=True)
class Dataset:
    """The three parts of a data set. The test part is for the end of a run alone."""

    train: Split
    validation: Split
    test: Split
    classes: int

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """`(height, width, channels)` of every image."""
        _, height, width, channels = self.train.images.shape
        return height, width, channels


def load(name: str, validation_split: float, seed: int) -> Dataset:
    """Returns a data set with a validation part split off its training part.

    Args:
      name: one of `trainer.hparams.DATASETS`, or a folder of IDX files.
      validation_split: the share of the training images that becomes the validation part.
      seed: fixes which images those are.

    Raises:
      UsageError: there is no such data set, it cannot be had, or it is too small to be split.
    """
    (images, labels), test = _read(name)
    count = round(len(labels) * validation_split)
    if not 0 < count < len(labels):
        raise UsageError(
            f"`--validation_split` must leave an image on each side of {len(labels)}. Received: {validation_split}"
        )
    order = np.random.default_rng(seed).permutation(len(labels))
    held_out, kept = order[:count], order[count:]
    return Dataset(
        train=_split(images[kept], labels[kept]),
        validation=_split(images[held_out], labels[held_out]),
        test=_split(*test),
        classes=int(labels.max()) + 1,
    )


def _split(images: Images, labels: Labels) -> Split:
    with_channels = images if images.ndim == 4 else images[..., np.newaxis]
    return Split(with_channels, labels.reshape(-1).astype(np.int32))


def _read(name: str) -> Parts:
    if name == "digits":
        return _digits()
    if name in DATASETS:
        return _downloaded(name)
    if not (name and Path(name).is_dir()):
        raise UsageError(f"`--data` must be one of {', '.join(DATASETS)}, or a folder. Received: {name}")
    return idx.read_folder(Path(name))


def _digits() -> Parts:
    """Returns scikit-learn's bundled digits, 8x8 pixels from 0 to 16, at the size and scale of MNIST's."""
    from sklearn.datasets import load_digits

    small, labels = load_digits(return_X_y=True)
    resize = functools.partial(keras.ops.image.resize, size=(_DIGITS_SIZE, _DIGITS_SIZE), interpolation="bicubic")
    large = keras.ops.convert_to_numpy(resize(small.reshape(-1, 8, 8, 1).astype(np.float32) * (255 / 16)))
    images = np.clip(np.rint(large), 0, 255).astype(np.uint8)
    order = np.random.default_rng(0).permutation(len(labels))  # the test part is the same for every --seed
    test, train = order[:_DIGITS_TEST], order[_DIGITS_TEST:]
    return (images[train], labels[train]), (images[test], labels[test])


def _downloaded(name: str) -> Parts:
    """Returns a data set of `keras.datasets`, which keeps what it downloads below `KERAS_HOME`."""
    loader: Callable[[], Parts] = getattr(keras.datasets, name).load_data
    try:
        return loader()
    except Exception as error:  # whatever the download raises: no network, a changed file, a full disk
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(
            f"`--data={name}` could not be downloaded; digits needs no network. Received: {reason}"
        ) from None
