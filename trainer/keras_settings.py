"""Isolates this package from Keras's settings: its file, its variables, and calls of a program."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from trainer.errors import UsageError

# What Keras 3 reads when it is imported (keras/src/backend/config.py); None means that the variable is not set.
_VARIABLES = {
    "KERAS_BACKEND": "tensorflow",
    "KERAS_MAX_EPOCHS": None,
    "KERAS_MAX_STEPS_PER_EPOCH": None,
    "KERAS_NNX_ENABLED": None,
}


@contextlib.contextmanager
def ignored() -> Iterator[None]:
    """Makes an import of Keras in the block ignore keras.json and Keras's environment variables.

    A damaged or unreadable keras.json has no effect either. Data sets are still stored in `KERAS_HOME`. If the program
    has already imported Keras, its settings are unchanged; see `defaults`.
    """
    if "keras" in sys.modules:
        yield
        return
    home = _home(os.environ)
    with (
        tempfile.TemporaryDirectory(prefix="trainer-keras-", ignore_cleanup_errors=True) as empty,
        _set({**_VARIABLES, "KERAS_HOME": empty}),
    ):
        yield
    if "keras" in sys.modules:
        sys.modules["keras.src.backend.config"]._KERAS_DIR = home  # type: ignore[attr-defined]


@contextlib.contextmanager
def defaults() -> Iterator[None]:
    """Sets Keras to its defaults in the block: float32, channels last, epsilon 1e-7; restores the settings afterwards.

    Raises:
      UsageError: the program has imported Keras with a backend other than TensorFlow.
    """
    import keras

    if keras.config.backend() != "tensorflow":
        raise UsageError(
            f"`KERAS_BACKEND` must be tensorflow or unset for training. Received: {keras.config.backend()}"
        )
    policy = keras.config.dtype_policy()
    floatx, epsilon, order = keras.config.floatx(), keras.config.epsilon(), keras.config.image_data_format()
    try:
        _apply("float32", 1e-7, "channels_last")
        keras.config.set_dtype_policy("float32")
        yield
    finally:
        _apply(floatx, epsilon, order)
        keras.config.set_dtype_policy(policy)


def _apply(floatx: str, epsilon: float, order: str) -> None:
    import keras

    keras.config.set_floatx(floatx)
    keras.config.set_epsilon(epsilon)
    keras.config.set_image_data_format(order)


def _home(variables: Mapping[str, str]) -> str:
    """Returns the folder that Keras uses for its files."""
    if "KERAS_HOME" in variables:
        return variables["KERAS_HOME"]
    base = os.path.expanduser("~")  # noqa: PTH111  as Keras does: "~" itself if there is no home folder
    return str(Path(base if os.access(base, os.W_OK) else "/tmp", ".keras"))  # noqa: S108


@contextlib.contextmanager
def _set(variables: Mapping[str, str | None]) -> Iterator[None]:
    """Sets environment variables in the block; None removes a variable."""
    former = {name: os.environ.get(name) for name in variables}
    _update(variables)
    try:
        yield
    finally:
        _update(former)


def _update(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
