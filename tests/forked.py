"""Python processes that do not import TensorFlow again: `Popen` and `run`, used as those of `subprocess`.

    process = forked.Popen([sys.executable, "-m", "trainer.task", "--epochs=2"], stdout=subprocess.PIPE, text=True)

A server process, one per pytest process, has imported TensorFlow and forks each process in 20 ms instead of 4 to 8 s of
import. A forked process has its own arguments, environment, working directory, standard streams, process id and exit
status, and runs a module, a `-c` program or a file, as `python` does. It does not show how Python and TensorFlow start:
tests of imports, of Python's options and of variables read at the start use `subprocess`. On systems other than Linux
every process is a `subprocess`.
"""

import array
import atexit
import contextlib
import ctypes
import functools
import gc
import inspect
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).parents[1]
_SET_CHILD_SUBREAPER = 36  # of Linux's prctl


class _Forked(subprocess.Popen):
    """A process that the server forks and this process adopts, so that it can wait for it as for its own child."""

    def _execute_child(self, *arguments: Any) -> None:
        call = inspect.signature(super()._execute_child).bind(*arguments).arguments
        request = {
            "command": [os.fspath(word) for word in call["args"]],
            "environment": dict(os.environ if call["env"] is None else call["env"]),
            "folder": os.fspath(call["cwd"] or Path.cwd()),
        }
        given = [call[end] for end in ("p2cread", "c2pwrite", "errwrite")]
        self.pid = _server().start(request, [own if end == -1 else end for own, end in enumerate(given)])
        self._child_created = True
        self._close_pipe_fds(*(call[end] for end in inspect.signature(self._close_pipe_fds).parameters))


Popen = _Forked if sys.platform == "linux" else subprocess.Popen


def run(
    command: Sequence[str | os.PathLike[str]],
    *,
    env: Mapping[str, str] | None = None,
    cwd: str | os.PathLike[str] | None = None,
    capture_output: bool = False,
    text: bool = False,
    timeout: float | None = None,
    check: bool = False,
) -> "subprocess.CompletedProcess[Any]":
    """Runs a Python command to its end, as `subprocess.run` does."""
    pipe = subprocess.PIPE if capture_output else None
    with Popen(command, env=env, cwd=cwd, stdout=pipe, stderr=pipe, text=text) as process:
        try:
            output, errors = process.communicate(timeout=timeout)
        except BaseException:
            process.kill()
            raise
    done = subprocess.CompletedProcess(command, process.returncode, output, errors)
    if check:
        done.check_returncode()
    return done


@functools.cache
def _server() -> "_Server":
    return _Server()


class _Server:
    """The server process, and this process's end of the socket to it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket, theirs = socket.socketpair()
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(theirs.fileno())],
            env={**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"},
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        atexit.register(self._close)

    def _close(self) -> None:
        self._socket.close()
        self._process.wait()

    def start(self, request: Mapping[str, Any], streams: Sequence[int]) -> int:
        """Starts a process with these standard streams and returns its id."""
        content = json.dumps(request).encode()
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", streams))
        with self._lock, _adopting():
            self._socket.sendmsg([len(content).to_bytes(4, "big")], [rights])
            self._socket.sendall(content)
            reply = self._socket.recv(4)
        if not reply:
            raise RuntimeError(f"the fork server ended with status {self._process.wait()}")
        return int.from_bytes(reply, "big")


@contextlib.contextmanager
def _adopting() -> Iterator[None]:
    """Makes this process the parent of processes below it whose own parent ends, as the server's forks end theirs.

    Only for as long as needed: of other orphans nobody here would take the exit status, and they would stay zombies.
    """
    prctl = ctypes.CDLL(None).prctl
    prctl(_SET_CHILD_SUBREAPER, 1)
    try:
        yield
    finally:
        prctl(_SET_CHILD_SUBREAPER, 0)


def _serve(connection: socket.socket) -> dict[str, Any] | None:
    """Returns its request in each process that it forks, and None in the server when pytest has ended."""
    while True:
        size, streams, *_ = socket.recv_fds(connection, 4, 3)
        if not size:
            return None
        content = connection.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL)
        read, write = os.pipe()
        between = os.fork()
        if not between:
            process = os.fork()
            if not process:
                connection.close()
                os.close(read)
                os.close(write)
                return _become(json.loads(content), streams)
            os.write(write, process.to_bytes(4, "big"))
            os._exit(0)
        os.waitpid(between, 0)  # from here on the process is pytest's child
        connection.sendall(os.read(read, 4))
        for end in (read, write, *streams):
            os.close(end)


def _become(request: dict[str, Any], streams: Sequence[int]) -> dict[str, Any]:
    """Gives this process its own streams, environment and working directory."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    is_unbuffered = "-u" in request["command"][1:2]
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", buffering=1 if is_unbuffered else -1, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return request


def _warm() -> None:
    """Imports what most processes need. It runs no operation: TensorFlow's threads do not survive a fork."""
    from trainer.quiet import without_chatter

    with without_chatter():
        import google.cloud.storage  # noqa: F401
        import sklearn.datasets  # noqa: F401

        import trainer.buckets.storage
        import trainer.run.train  # noqa: F401


def _end_as_python(command: Sequence[str]) -> NoReturn:
    """Runs a command and ends this process as Python would, except that no module is torn down: that takes 1 s."""
    status = 0
    try:
        _execute(command)
    except SystemExit as error:
        status = 0 if error.code is None else error.code if isinstance(error.code, int) else 1
        if not isinstance(error.code, int | None):
            print(error.code, file=sys.stderr)
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
        status = -signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    if status < 0:
        signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status & 0xFF)


def _execute(command: Sequence[str]) -> None:
    """Runs what `python` would run."""
    words = [word for number, word in enumerate(command) if number > 1 or word != "-u"][1:]
    first, *rest = words
    path = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    sys.path[:] = [*path, *(entry for entry in sys.path[1:] if entry not in path)]
    if first == "-m":
        sys.path.insert(0, str(Path.cwd()))
        sys.argv = rest
        for name in (rest[0], f"{rest[0]}.__main__"):  # of a package, the second is what runs
            if not hasattr(sys.modules.get(name), "__path__"):
                sys.modules.pop(name, None)
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    elif first == "-c":
        sys.path.insert(0, "")
        sys.argv = ["-c", *rest[1:]]
        exec(compile(rest[0], "<string>", "exec"), {"__name__": "__main__"})
    else:
        sys.path.insert(0, str(Path(first).parent))
        sys.argv = words
        runpy.run_path(first, run_name="__main__")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # from a terminal it is for pytest
    _warm()
    gc.freeze()  # so that collections in the forks copy no memory
    _request = _serve(socket.socket(fileno=int(sys.argv[1])))
    if _request:
        _end_as_python(_request["command"])
