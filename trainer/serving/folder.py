"""The local folder of an exported model, fetched from its bucket where it is in one."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from trainer.buckets.fetch import fetch
from trainer.buckets.location import is_remote
from trainer.environment import cache_folder
from trainer.errors import UsageError
from trainer.files import expanded

_MODEL = "model"  # of a run's folder
_CARD, _KERAS = "model.json", "model.keras"  # of a model's
_PATTERN = set("*?[]\\")  # TensorFlow takes such a path for a pattern when it looks for a model's variables


def local(model: str, cache_dir: str, log: Callable[[str], None]) -> Path:
    """Returns the local folder of an exported model, fetched from its bucket first where it is in one.

    Args:
      model: the folder of a finished run, its folder model/ or a copy of that, or model.keras in there; on this machine
        or `gs://bucket/folder`.
      cache_dir: holds what is fetched.
      log: called with a line when something is.

    Raises:
      UsageError: nothing is there.
      StorageError: it cannot be fetched.
    """
    if is_remote(model):
        return _fetched(model.rstrip("/").removesuffix(f"/{_KERAS}"), cache_folder(cache_dir), log)
    path = Path(expanded(model))
    if (path.parent / _CARD).is_file() and path.is_file():  # a file of it, such as model.keras
        return path.parent
    return path / _MODEL if (path / _MODEL / _CARD).is_file() and not (path / _CARD).is_file() else path


@contextlib.contextmanager
def readable(folder: Path) -> Iterator[str]:
    """Yields a path of a folder that TensorFlow can load a model from: a link to it, where its own is a pattern."""
    if not _PATTERN & set(str(folder)):
        yield str(folder)
        return
    usual = tempfile.gettempdir()
    with tempfile.TemporaryDirectory(prefix="trainer-model-", dir="/tmp" if _PATTERN & set(usual) else usual) as above:  # noqa: S108
        link = Path(above, _MODEL)
        link.symlink_to(folder.absolute(), target_is_directory=True)
        yield str(link)


def _fetched(model: str, cache_dir: Path, log: Callable[[str], None]) -> Path:
    """Returns the local copy of a model's folder in a bucket, or of the one in a run's folder there."""
    if not model.endswith(f"/{_MODEL}"):
        with contextlib.suppress(UsageError):  # it is the model's folder under another name
            return fetch(f"{model}/{_MODEL}", cache_dir, log=log)
    return fetch(model, cache_dir, log=log)
