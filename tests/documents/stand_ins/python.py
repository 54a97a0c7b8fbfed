"""The `python` of a scratch copy: a process of the project that the tests fork, or else the real `python`.

The text of this file is the program `.venv/bin/python`. Where `TRAINER_PYTHONS` has the address of a
`tests.documents.pythons.Pythons`, it asks that for a process with its own arguments, environment, working directory and
standard streams, passes signals on to it, and ends as it ends. It imports little, so that it starts in 20 ms.
"""

import os
import sys

# What README.md runs, where each is a whole process, and what they start. Others start as they do in a terminal.
_FORKED = ("trainer.task", "trainer.study", "trainer.predict", "trainer.task_server")
_REAL = os.path.join(os.path.dirname(__file__), f"python3.{sys.version_info.minor}")  # noqa: PTH118, PTH120


def _may_fork(words: list[str]) -> bool:
    """Returns whether these are the arguments of a program that is forked, or of a document's block."""
    if words[:1] == ["-m"] and len(words) > 1:
        return words[1] in _FORKED
    return bool(words) and words[0].endswith(".md")


def _ask(address: str, words: list[str]) -> int:
    """Returns the status of a process that runs with these arguments; below 0: minus the number of a signal."""
    import json
    import signal
    import socket

    content = json.dumps({"words": words, "environment": dict(os.environ), "folder": os.getcwd()}).encode()  # noqa: PTH109
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        socket.send_fds(connection, [len(content).to_bytes(4, "big")], [0, 1, 2])
        connection.sendall(content)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, lambda number, frame: connection.send(bytes([number])))
        status = int.from_bytes(connection.recv(4, socket.MSG_WAITALL), "big", signed=True)
    if status < 0:
        if -status in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    return status


if __name__ == "__main__":
    address = os.environ.get("TRAINER_PYTHONS", "")
    if address and _may_fork(sys.argv[1:]):
        sys.exit(_ask(address, sys.argv[1:]))
    os.execv(_REAL, [os.path.abspath(__file__), *sys.argv[1:]])  # noqa: PTH100 - this file is its `sys.executable`
