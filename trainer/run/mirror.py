"""How a run's output comes to its bucket: training does not wait for it, and at the end all has landed."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
from rich.console import Console

from trainer.buckets.storage import Storage
from trainer.environment import Environment
from trainer.errors import StoppedError, StorageError
from trainer.signals import Stop

_PATIENCE = 600.0  # seconds that a finished run waits for what has not landed
_LAST = 20.0  # seconds that a stopped one has, from the signal on: a Spot machine is gone after 30


@contextlib.contextmanager
def mirrored(
    environment: Environment, screen: Console, stop: Stop, make: Callable[..., Storage] = Storage
) -> Iterator[Storage | None]:
    """Yields what brings the run's output to its bucket; nothing where it stays on this machine, or is the chief's.

    The local folders then hold what identifies the run. Once `begin` was called, what is within may end in any
    way: it ends for the caller when all has landed.

    Args:
      environment: the folders.
      screen: shows what a person should know.
      stop: whether the program was asked to stop.
      make: makes the storage, as `Storage` does; a test's has a clock of its own.

    Raises:
      UsageError: the bucket does not exist, or may not be written.
      StorageError: something has not landed; where the program was told to stop, a line says so instead.
    """
    if not (environment.remotes and environment.is_chief):
        yield None
        return
    storage = make(environment.synced, log=lambda line: screen.out(line, highlight=False))
    with contextlib.closing(storage), environment.claimed():
        storage.look()
        try:
            yield storage
            storage.finish(_PATIENCE)
        except StoppedError:
            with stop.saving():
                try:
                    storage.finish(max(0.0, _LAST - stop.seconds), stopping=True)
                except StorageError as error:
                    screen.out(str(error), highlight=False)
            raise
        except StorageError:
            raise
        except BaseException:
            with contextlib.suppress(StorageError):
                storage.finish(_LAST)
            raise


class Mirror(keras.callbacks.Callback):
    """Ends the training where its output can land no more, and hastens what an epoch leaves.

    Args:
      storage: brings it to the bucket.
    """

    def __init__(self, storage: Storage):
        super().__init__()
        self._storage = storage

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._storage.raise_if_failed()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._storage.notify()

    def get_state(self) -> dict[str, Any]:
        return {}
