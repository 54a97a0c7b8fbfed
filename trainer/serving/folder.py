"""The local folder of an exported model, fetched from its bucket where it is in one."""

from collections.abc import Callable
from pathlib import Path

from trainer.buckets.fetch import fetch
from trainer.buckets.location import is_remote
from trainer.environment import cache_folder


def local(model: str, cache_dir: str, log: Callable[[str], None]) -> Path:
    """Returns the local folder of an exported model, fetched from its bucket first where it is in one.

    Args:
      model: a folder, or `gs://bucket/folder`.
      cache_dir: holds what is fetched.
      log: called with a line when something is.

    Raises:
      UsageError: nothing is there.
      StorageError: it cannot be fetched.
    """
    return fetch(model, cache_folder(cache_dir), log=log) if is_remote(model) else Path(model)
