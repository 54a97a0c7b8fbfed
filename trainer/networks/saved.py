"""Models in `.keras` files, on this machine or in a bucket: read without running anything of theirs."""

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
# What Keras raises about a file whose content is not what it wrote, or of classes that this program does not have.
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

    Nothing in the file is run: a Lambda is refused, and so is a layer of a class that is not known here.

    Args:
      location: a path, also from `~`, or `gs://…`.
      cache_dir: holds what is fetched from a bucket.
      flag: that names the file, for messages.

    Raises:
      UsageError: there is no such file, or it cannot be read; the message names the flag.
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
            warnings.simplefilter("ignore")  # such as of an optimizer that is left out
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
    """Returns the file on this machine, fetched first where it is in a bucket.

    Raises:
      UsageError: there is no such file; the message names the flag.
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
    """Yields the name and the class of everything that a configuration describes, to any depth."""
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
