"""Simulates a job with several machines on this machine: `python -m trainer.local_cluster --workers=2 --data=digits …`

It starts one `python -m trainer.task` per worker, with the environment that Vertex AI sets, over loopback. Its exit
status is that of the chief, or, if this is 0, the first one of a worker that is not 0.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence

from trainer import command_line, console, signals
from trainer.errors import StoppedError, UsageError

_COMMAND = "python -m trainer.local_cluster"
_WORKERS = "--workers"
_LAST_WORDS = 20.0  # seconds for the workers to end after a signal


def main(arguments: Sequence[str], variables: Mapping[str, str]) -> int:
    """Runs the workers until all have finished, and returns the exit status.

    2: a flag breaks its rule. 129, 130, 143: stopped by SIGHUP, SIGINT or SIGTERM, together with the workers.
    """
    if "--help" in arguments or "-h" in arguments:
        print(command_line.help_text(f"{_COMMAND} {_WORKERS}=2", width=console.width(command_line.WIDTH)))
        return 0
    try:
        workers, rest = _count_workers(arguments)
        command_line.read(rest)
    except UsageError as error:
        console.report(f"trainer: {error}")
        return 2
    with signals.caught(_LAST_WORDS) as stop, start(rest, variables, workers) as processes:
        try:
            statuses = [process.wait() for process in processes]
        except StoppedError:
            for process in processes:
                if stop.signal != signal.SIGINT:  # which a terminal sends to the workers too
                    process.terminate()
            for process in processes:
                process.wait(_LAST_WORDS)
            return stop.status
    failures = [status if status > 0 else 128 - status for status in statuses if status]
    return failures[0] if failures else 0


@contextlib.contextmanager
def start(
    arguments: Sequence[str], variables: Mapping[str, str], workers: int
) -> Iterator[list[subprocess.Popen[str]]]:
    """Starts the workers, the chief first; all end with the block.

    Args:
      arguments: the flags of `trainer.task`, the same for each worker.
      variables: the environment, to which `CLUSTER_SPEC` is added.
      workers: the number of workers.
    """
    command = [sys.executable, "-m", "trainer.task", *arguments]
    processes = [
        subprocess.Popen(command, env={**variables, "CLUSTER_SPEC": spec}, text=True) for spec in cluster_specs(workers)
    ]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


def cluster_specs(workers: int) -> list[str]:
    """Returns each worker's `CLUSTER_SPEC`, with currently free ports."""
    with contextlib.ExitStack() as sockets:
        taken = [sockets.enter_context(socket.socket()) for _ in range(workers)]
        for one in taken:
            one.bind(("127.0.0.1", 0))
        chief, *others = [f"127.0.0.1:{one.getsockname()[1]}" for one in taken]
    cluster = {"workerpool0": [chief], "workerpool1": others}
    tasks = [("workerpool0", 0), *(("workerpool1", index) for index in range(len(others)))]
    return [json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}}) for kind, index in tasks]


def _count_workers(arguments: Sequence[str]) -> tuple[int, list[str]]:
    """Returns the number of workers, 2 by default, and the other arguments."""
    name = _WORKERS.removeprefix("--")
    known = {**command_line.run_flags(arguments), name: ""}
    given = [argument for argument in command_line.split(arguments, known) if argument.name == name]
    text = given[-1].value or "" if given else "2"
    if not (text.isdecimal() and int(text) >= 2):
        raise UsageError(f"`{_WORKERS}` must be a whole number of at least 2. Received: {text}")
    return int(text), command_line.without(arguments, [name], known)


if __name__ == "__main__":
    console.prepare()
    sys.exit(main(sys.argv[1:], os.environ))
