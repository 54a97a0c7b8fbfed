"""The lock on the folder of several runs: one process starts them, and its runs hold the folder until they end."""

import contextlib
import dataclasses
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from trainer.errors import UsageError

_LOCK = ".trials.lock"
_PATIENCE = 60.0  # seconds for the runs of a killed process to save and end
_LOOK = 0.1  # seconds between two attempts to lock


@dataclasses.dataclass(frozen=True)
class Words:
    """What the lines about a folder call its processes.

    Attributes:
      other: completes "a folder" if another process runs in it.
      former: completes "a folder" if runs of a former process do not end.
      waiting: the line while these runs are waited for.
    """

    other: str
    former: str
    waiting: str


@contextlib.contextmanager
def claimed(
    folder: Path,
    words: Words,
    log: Callable[[str], None],
    is_stopped: Callable[[], bool],
    wait: Callable[[float], None],
) -> Iterator[int]:
    """Keeps other processes out of a folder, and gives a file descriptor for the runs to inherit.

    As long as a process has that, a run may still write here; so the runs of a process that was killed are waited for.

    Args:
      folder: made if it does not exist.
      words: for messages.
      log: takes a line for the screen.
      is_stopped: whether not to wait any longer.
      wait: spends some seconds.

    Raises:
      UsageError: the folder cannot be written, another process runs in it, or the runs do not end.
    """
    with contextlib.ExitStack() as stack:
        own, runs = _open_locks(folder, stack)
        if not _taken(own):
            raise UsageError(f"`--job_dir` must be a folder {words.other}. Received: {folder}")
        waited = 0.0
        while not _taken(runs) and not is_stopped():
            if not waited:
                log(words.waiting)
            if waited >= _PATIENCE:
                raise UsageError(f"`--job_dir` must be a folder {words.former}. Received: {folder}")
            wait(_LOOK)
            waited += _LOOK
        yield runs


def _open_locks(folder: Path, stack: contextlib.ExitStack) -> tuple[int, int]:
    """Returns the file descriptors to lock, one for the process and one for its runs; the stack closes them."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        own = os.open(folder, os.O_RDONLY)
        stack.callback(os.close, own)
        runs = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        stack.callback(os.close, runs)
    except OSError as error:
        raise UsageError(
            f"`--job_dir` must be a folder that can be written. Received: {folder} ({error.strerror})"
        ) from None
    return own, runs


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
