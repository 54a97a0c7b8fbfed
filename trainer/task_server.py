"""Runs the trials of a study: `python -m trainer.task_server --isolation=fork`, only for `trainer.study`.

It reads one JSON object per line from standard input and answers on standard output:

    {"start": 1, "arguments": ["--filters=32.0"], "environment": {…}, "log": "…/1/log.txt", "cores": [0]}
    {"stop": 1}                              SIGTERM: it saves and ends
    {"kill": 1}                              SIGKILL

    {"ready": true}                          the first line
    {"started": 1, "process": 4711}
    {"ended": 1, "status": 0}                a negative status is the number of the signal that ended it

Each trial is `python -m trainer.task` with its own environment, cores and log: a fork of this process, which has loaded
TensorFlow once and reads each data set once, or, with `--isolation=process`, a new process. When standard input ends,
because the study has ended in any way, all trials get SIGTERM, and this process ends after the last of them.
"""

import contextlib
import ctypes
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NoReturn

from trainer import console

Spawn = Callable[[Sequence[str], Mapping[str, str], Path], int]

_SET_PDEATHSIG = 1  # of Linux's prctl


def main(arguments: Sequence[str]) -> int:
    """Serves until standard input and all trials have ended; returns the exit status, 0."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the study handles the terminal's SIGINT
    with tempfile.TemporaryDirectory(prefix="trainer-study-") as scratch:
        if arguments == ["--isolation=process"]:
            spawn: Spawn = _start_process
        else:
            spawn = _warm(Path(scratch))
        _Server(spawn, sys.stdin.buffer, sys.stdout.buffer).run()
    return 0


class _Server:
    """The loop: requests and children in, events out.

    Args:
      spawn: starts a trial and returns its process.
      requests: the stream of requests, one per line.
      events: the stream of events, one per line.
    """

    def __init__(self, spawn: Spawn, requests: IO[bytes], events: IO[bytes]):
        self._spawn, self._requests, self._events = spawn, requests, events
        self._rest = b""  # an incomplete line of the requests
        self._trials: dict[int, int] = {}  # the trials by process
        self._stopped: set[int] = set()  # trials that got SIGTERM: a second one would end them before they save

    def run(self) -> None:
        """Serves until the requests and all trials have ended."""
        with _child_signals() as children, selectors.DefaultSelector() as ready:
            ready.register(self._requests, selectors.EVENT_READ)
            ready.register(children, selectors.EVENT_READ)
            self._report({"ready": True})
            is_open = True
            while is_open or self._trials:
                for key, _ in ready.select():
                    if key.fileobj is children:
                        children.recv(4096)
                        self._reap()
                    elif not self._take_requests():
                        is_open = False
                        ready.unregister(self._requests)
                        for trial in list(self._trials.values()):
                            self._stop(trial)

    def _take_requests(self) -> bool:
        """Handles the requests that have arrived; returns whether there may be more."""
        content = os.read(self._requests.fileno(), 65536)
        *lines, self._rest = (self._rest + content).split(b"\n")
        for line in lines:
            self._follow(json.loads(line))
        return bool(content)

    def _follow(self, request: Mapping[str, Any]) -> None:
        if "start" in request:
            with _on_cores(request["cores"]):
                process = self._spawn(request["arguments"], request["environment"], Path(request["log"]))
            self._trials[process] = request["start"]
            self._stopped.discard(request["start"])
            self._report({"started": request["start"], "process": process})
        elif "stop" in request:
            self._stop(request["stop"])
        else:
            self._signal(request["kill"], signal.SIGKILL)

    def _stop(self, trial: int) -> None:
        if trial not in self._stopped:
            self._stopped.add(trial)
            self._signal(trial, signal.SIGTERM)

    def _signal(self, trial: int, number: int) -> None:
        for process in [process for process, name in self._trials.items() if name == trial]:
            os.kill(process, number)  # the child still exists, because nobody waited for it

    def _reap(self) -> None:
        for process in list(self._trials):
            ended, status = os.waitpid(process, os.WNOHANG)
            if ended:
                self._report({"ended": self._trials.pop(process), "status": os.waitstatus_to_exitcode(status)})

    def _report(self, event: Mapping[str, Any]) -> None:
        # Without a study there is no reader; the next study finds the results on disk.
        with contextlib.suppress(BrokenPipeError):
            self._events.write(json.dumps(event).encode() + b"\n")
            self._events.flush()


@contextlib.contextmanager
def _child_signals() -> Iterator[socket.socket]:
    """Yields a socket that becomes readable when a child ends."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    with ours, theirs:
        yield ours
        signal.set_wakeup_fd(-1)


@contextlib.contextmanager
def _on_cores(cores: Sequence[int]) -> Iterator[None]:
    """Makes processes that start in this context run only on these cores, if the system supports it."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    former = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, former)


def _start_process(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> int:
    command = [sys.executable, "-u", "-m", "trainer.task", *arguments]
    with log.open("ab") as file:
        # This process has one thread, so code between fork and exec is safe.
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            close_fds=False,  # the trials also hold the study's lock
            preexec_fn=_end_with_parent,  # noqa: PLW1509
        )
    process.returncode = 0  # the process is waited for by its number
    return process.pid


def _warm(scratch: Path) -> Spawn:
    """Loads the modules of every trial, and returns a function that forks one."""
    from trainer import keras_settings, task
    from trainer.quiet import without_chatter

    # No code here may run an operation: TensorFlow's threads do not survive a fork.
    with without_chatter(), keras_settings.ignored():
        import sklearn.datasets  # noqa: F401

        from trainer.data.loading import load_configured
        from trainer.data.shared import Shared
        from trainer.run import train  # noqa: F401

    datasets = Shared(scratch, load_configured)

    def start(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> int:
        def run() -> int:
            # TensorFlow removes its temporary files in processes that exit normally, which a fork does not.
            _become_trial({**environment, "TMPDIR": str(scratch)}, log)
            return task.main(arguments, environment, read=datasets.load)

        process = os.fork()
        if not process:
            _exit_after(run)
        return process

    return start


def _exit_after(run: Callable[[], int]) -> NoReturn:
    """Ends a fork with the status of a function or of its exception: a fork never returns to the server's loop."""
    status = 70  # the status of any other exception
    try:
        status = run()
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
        status = error.code if isinstance(error, SystemExit) and isinstance(error.code, int) else 1
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _become_trial(environment: Mapping[str, str], log: Path) -> None:
    """Replaces the signals, files and environment of the server with those of the trial, in a fork."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _end_with_parent()
    nothing, file = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    for target, source in ((0, nothing), (1, file), (2, file)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(file)
    sys.stdout = open(1, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None  # so that it is read again


def _end_with_parent() -> None:
    """Makes this process receive SIGTERM when its parent dies, on Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PDEATHSIG, signal.SIGTERM)


if __name__ == "__main__":
    console.prepare()
    sys.exit(main(sys.argv[1:]))
