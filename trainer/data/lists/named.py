"""Data sets with a name: scikit-learn's digits, and those that Keras downloads."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer.errors import UsageError

Pair = tuple[npt.NDArray[Any], npt.NDArray[Any]]  # images and their class numbers

_DIGITS = "digits"
_DIGITS_TEST = 360  # a fifth of scikit-learn's 1,797 digits
_DIGITS_SIZE = 28  # MNIST's, so that both are one network


def read(name: str) -> tuple[Pair, Pair]:
    """Returns the training part and the test part of one of `trainer.hparams.DATASETS`.

    Images are uint8 `(count, height, width)` or `(count, height, width, 3)`, labels `(count,)` or `(count, 1)`.

    Raises:
      UsageError: it cannot be downloaded.
    """
    return _digits() if name == _DIGITS else _downloaded(name)


def _digits() -> tuple[Pair, Pair]:
    """Returns scikit-learn's bundled digits, 8x8 pixels from 0 to 16, at the size and scale of MNIST's."""
    import keras  # here, so that `trainer.data` does without it
    from sklearn.datasets import load_digits

    small, labels = load_digits(return_X_y=True)
    resize = functools.partial(keras.ops.image.resize, size=(_DIGITS_SIZE, _DIGITS_SIZE), interpolation="bicubic")
    large = keras.ops.convert_to_numpy(resize(small.reshape(-1, 8, 8, 1).astype(np.float32) * (255 / 16)))
    images = np.clip(np.rint(large), 0, 255).astype(np.uint8)
    order = np.random.default_rng(0).permutation(len(labels))  # the test part is the same for every --seed
    test, train = order[:_DIGITS_TEST], order[_DIGITS_TEST:]
    return (images[train], labels[train]), (images[test], labels[test])


def _downloaded(name: str) -> tuple[Pair, Pair]:
    """Returns a data set of `keras.datasets`, which keeps what it downloads below `KERAS_HOME`."""
    import keras

    loader: Callable[[], tuple[Pair, Pair]] = getattr(keras.datasets, name).load_data
    try:
        return loader()
    except Exception as error:  # whatever the download raises: no network, a changed file, a full disk
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(
            f"`--data={name}` could not be downloaded; digits needs no network. Received: {reason}"
        ) from None
