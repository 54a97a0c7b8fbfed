"""Where an exported model is, and that it is on this machine."""

from collections.abc import Callable
from pathlib import Path

from trainer.buckets.fetch import fetch
from trainer.buckets.location import is_remote


def local(model: str, cache_dir: str, tell: Callable[[str], None]) -> Path:
    """Returns the local folder of an exported model, fetched from its bucket first where it is in one.

    Args:
      model: a folder, or `gs://bucket/folder`.
      cache_dir: holds what is fetched.
      tell: hears a line when something is.

    Raises:
      UsageError: nothing is there.
      StorageError: it cannot be fetched.
    """
    return fetch(model, Path(cache_dir).expanduser(), tell=tell) if is_remote(model) else Path(model)
