"""Models in `.keras` files, on this machine or in a bucket: read without running code from them."""

import json
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras

from trainer.buckets.fetch import fetch
from trainer.environment import cache_folder
from trainer.errors import UsageError
from trainer.files import expanded

_CONFIG = "config.json"
# Keras's errors for files with invalid content, or with classes that this program does not have.
BROKEN = (
    ArithmeticError,
    AttributeError,
    ImportError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)
_CLASS = re.compile(r"Could not locate (?:class|function) '([^']+)'")


def read(location: str, cache_dir: str, flag: str) -> keras.Model:
    """Returns the model in a `.keras` file, not compiled.

    No code in the file runs: a Lambda layer is an error, and so is a layer of an unknown class.

    Args:
      location: a path, which may start with `~`, or `gs://…`.
      cache_dir: the folder for downloads from a bucket.
      flag: the flag that names the file, for messages.

    Raises:
      UsageError: the file does not exist or cannot be read; the message names the flag.
      StorageError: the bucket cannot be reached.
    """
    path = local(location, cache_dir, flag)
    for name, kind in _layers(_config(path, location, flag)):
        if kind == "Lambda":
            raise UsageError(
                f"`--{flag}` must be a file without Lambda layers, which contain Python code. "
                f"Received: {location} (layer {name})"
            )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # for example about the optimizer, which is left out
            model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except BROKEN as error:
        raise UsageError(
            f"`--{flag}` must be a file that Keras can read here. Received: {location} ({_reason(error)})"
        ) from None
    if not isinstance(model, keras.Model):
        kind = type(model).__name__
        raise UsageError(f"`--{flag}` must contain a model. Received: {location}, which contains a {kind}")
    return model


def local(location: str, cache_dir: str, flag: str) -> Path:
    """Returns the file on this machine; a file in a bucket is downloaded first.

    Raises:
      UsageError: the file does not exist; the message names the flag.
      StorageError: the bucket cannot be reached.
    """
    if location.startswith("gs://"):
        try:
            path = fetch(location, cache_folder(cache_dir), log=lambda line: None)
        except UsageError as error:
            raise UsageError(f"`--{flag}` must be a file that can be read. Received: {location} ({error})") from None
    else:
        path = Path(expanded(location))
    if not path.is_file():
        there = "a folder" if path.is_dir() else "no such file"
        raise UsageError(f"`--{flag}` must be a file that can be read. Received: {location} ({there})")
    return path


def _config(path: Path, location: str, flag: str) -> Any:
    try:
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read(_CONFIG))
    except BROKEN as error:
        reason = "no permission" if isinstance(error, PermissionError) else "not a .keras file, or an incomplete one"
        raise UsageError(
            f"`--{flag}` must be a .keras file, as Keras 3 saves it. Received: {location} ({reason})"
        ) from None


def _layers(config: Any) -> Iterator[tuple[str, str]]:
    """Yields the name and the class of each layer in a configuration, at any depth."""
    if isinstance(config, dict):
        own = config.get("config")
        yield str(own.get("name", "")) if isinstance(own, dict) else "", str(config.get("class_name", ""))
    if isinstance(config, dict | list):
        for value in config.values() if isinstance(config, dict) else config:
            yield from _layers(value)


def _reason(error: Exception) -> str:
    found = _CLASS.search(str(error))
    if found:
        return f"the class {found.group(1)} is unknown"
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
