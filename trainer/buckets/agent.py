"""A thread that uploads changes; a failure does not stop the training immediately."""

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from trainer.buckets.lag import Lag
from trainer.buckets.objects.failure import DELETE, FencedError, InterruptedSyncError, RefusedError
from trainer.buckets.objects.folder import Signature
from trainer.buckets.sync import Sync
from trainer.errors import StorageError

_LONGEST = 10.0  # seconds between failed passes; a pass itself retries for half a minute
_REFUSED = 60.0  # seconds that a permission may be missing before the run ends: new ones take effect late
_EVERY = 10.0  # seconds between two lines while the end of the run waits


class Agent:
    """Starts a pass when something has changed, and repeats it until everything is uploaded.

    It finds changes by scanning the folders, so pending uploads need no memory.

    Args:
      sync: runs a pass.
      where: the run's location in the bucket, for the lines.
      log: called with each line.
      clock: returns seconds.
      wait: waits for an event with a timeout in seconds, and returns whether it is set.
      interval: seconds between two scans, and the minimum between two passes: an object allows one write a second.
      hurry: set to cancel a pass, including the pauses between two attempts.

    Attributes:
      failure: the reason why the run cannot continue, if there is one.
    """

    def __init__(
        self,
        sync: Sync,
        where: str,
        log: Callable[[str], None],
        hurry: threading.Event,
        *,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[threading.Event, float], bool] = threading.Event.wait,
        interval: float = 1.0,
    ):
        self.failure: StorageError | None = None
        self._sync, self._where, self._log = sync, where, log
        self._clock, self._wait, self._interval = clock, wait, interval
        self._lag = Lag(where, log, clock)
        self._hurry, self._bell, self._done = hurry, threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._is_closing = self._is_finishing = self._is_stopping = False
        self._next = self._ended = clock()
        self._pause, self._reason = 0.0, ""
        self._files: set[Path] = set()  # the files at the last complete pass
        self._refused: tuple[object, float] | None = None  # the missing permission, and since when

    def start(self) -> None:
        """Starts the scans."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._live, name="storage", daemon=True)
            self._thread.start()

    def notify(self) -> None:
        """Starts a scan immediately."""
        self._bell.set()

    def lag(self) -> float:
        """Returns for how many seconds a change has been waiting for its upload; 0 if everything is uploaded."""
        return self._lag.seconds

    def finish(self, seconds: float, *, stopping: bool) -> None:
        """Waits until everything is uploaded.

        Args:
          seconds: the maximum time.
          stopping: whether the program must end soon: the checkpoint is uploaded first.

        Raises:
          StorageError: some files are not uploaded; the message names them and the reason.
        """
        end, logged = self._clock() + seconds, self._clock()
        self._done.clear()
        self._pause = 0.0
        if stopping:
            self._is_stopping = True
            self._hurry.set()
        self._is_finishing, self._next = True, min(self._next, self._ended + self._interval)
        self.start()
        self._bell.set()
        while not (self.failure or self._wait(self._done, max(0.0, min(end - self._clock(), 0.5)))):
            if self._clock() >= end:
                break
            if self._clock() - logged >= _EVERY:
                logged = self._clock()
                self._log(f"{self._where}: waiting for the upload of {self._waiting()}{self._because()}")
        if self.failure:
            raise self.failure
        waiting, is_done = self._waiting(), self._done.is_set()
        if waiting or not is_done:
            within = "" if is_done else f" within {seconds:.0f} s"
            raise StorageError(f"{self._where}: not uploaded{within}: {waiting or 'the last changes'}{self._because()}")
        self._is_finishing = self._is_stopping = False

    def close(self) -> None:
        """Ends the thread without waiting for pending requests; the thread does not delay the end of the program."""
        self._is_closing = True
        self._hurry.set()
        self._bell.set()
        if self._thread is not None:
            self._thread.join(self._interval)

    def turn(self) -> None:
        """Scans the folders, and runs a pass if one is due."""
        look = self._sync.look()
        is_due = bool(self._left(look)) or set(look) != self._files or self._is_finishing
        self._lag.note(is_due)
        if is_due and self.failure is None and self._clock() >= self._next:
            self._pass()
        self._lag.speak(self._reason)

    def _live(self) -> None:
        while not self._is_closing:
            self._wait(self._bell, self._interval)
            self._bell.clear()
            try:
                self.turn()
            except Exception as error:
                self._later(error)

    def _pass(self) -> None:
        self._hurry.clear()  # before the modes are read: they are set before this event
        if self._is_closing:
            self._hurry.set()
        finishing, stopping = self._is_finishing, self._is_stopping
        begun, look = self._clock(), self._sync.look()
        try:
            self._sync.run(stopping=stopping, whole=finishing and not stopping)
        except InterruptedSyncError:  # to start a pass with the most urgent files first, or to stop
            self._bell.set()
        except FencedError as error:
            self._fail(error)
        except RefusedError as error:
            self._refuse(error)
        except Exception as error:
            self._refused = None
            self._later(error)
            if self._hurry.is_set():
                self._next = self._clock()
                self._bell.set()
        else:
            self._refused, self._reason, self._pause, self._files = None, "", 0.0, set(look)
            self._ended = self._clock()
            self._next = self._ended + self._interval
            left = self._left(self._sync.look())
            self._lag.note(bool(left), begun)
            if finishing and not left:
                self._done.set()

    def _refuse(self, error: RefusedError) -> None:
        """Logs a missing permission immediately; ends the run when it has been missing for too long."""
        kind, now = (type(error), error.permission), self._clock()
        is_news = self._refused is None or self._refused[0] != kind
        self._refused = (kind, now) if self._refused is None else (kind, self._refused[1])
        if is_news:
            self._log(str(error))
        if now - self._refused[1] >= _REFUSED:
            self._fail(StorageError(f"{error}, for {_REFUSED:.0f} s now"))
        else:
            self._later(error)
            if is_news and error.permission == DELETE:  # from now on, no object there is replaced
                self._next = now

    def _later(self, error: Exception) -> None:
        is_named = isinstance(error, OSError)
        self._reason = str(error) if is_named else f"{type(error).__name__}: {error}"
        self._pause = min(max(2 * self._pause, self._interval), _LONGEST)
        self._ended = self._clock()
        self._next = self._ended + self._pause

    def _fail(self, failure: StorageError) -> None:
        self.failure = failure
        self._done.set()

    def _left(self, look: Mapping[Path, Signature]) -> list[Path]:
        return [path for path in self._sync.waiting(look) if path not in self._sync.writer.stuck]

    def _waiting(self) -> str:
        return self._sync.describe(self._sync.waiting(self._sync.look()))

    def _because(self) -> str:
        return f" ({self._reason})" if self._reason else ""
