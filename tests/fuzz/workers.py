"""Runs cases in forks of this process, which has imported all that is slow to import; one may crash or hang."""

import contextlib
import dataclasses
import json
import os
import resource
import select
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.fuzz.case import Case, Make

BATCH = 40  # cases of one fork
_PATIENCE = 60.0  # seconds for one case: most take milliseconds
_MEMORY = 8 << 30  # bytes


@dataclasses.dataclass(frozen=True)
class Fault:
    """A case that ended as none may.

    Attributes:
      case: which.
      what: was wrong.
      folder: its input.
    """

    case: Case
    what: str
    folder: Path


def run(
    kinds: Mapping[str, Make],
    seed: int,
    keep: Path,
    is_over: Callable[[int], bool],
    *,
    batch: int = BATCH,
    patience: float = _PATIENCE,
) -> Iterator[Fault]:
    """Yields the faults that are found, kind by kind and then the next few of each.

    Args:
      kinds: what is tried.
      seed: of all cases.
      keep: takes the input of each fault.
      is_over: whether to end, given the number of cases run; asked before each fork.
      batch: cases of one fork.
      patience: seconds for one case.
    """
    first, done = 0, 0
    while True:
        for kind, make in kinds.items():
            last = first + batch
            number = first
            while number < last:
                if is_over(done):
                    return
                with tempfile.TemporaryDirectory(prefix="fuzz.") as scratch:
                    ended, what = _batch(kind, make, seed, range(number, last), Path(scratch), patience)
                    if what:
                        case = Case(kind, seed, ended)
                        yield Fault(case, what, _kept(Path(scratch) / str(ended), keep / str(case), what))
                done += ended + 1 - number
                number = ended + 1
        first += batch


def _batch(kind: str, make: Make, seed: int, numbers: range, scratch: Path, patience: float) -> tuple[int, str]:
    """Runs some cases in a fork; returns the number of the last one, and what was wrong with it."""
    read, write = os.pipe()
    process = os.fork()
    if not process:
        os.close(read)
        _work(kind, make, seed, numbers, scratch, write)
    os.close(write)
    number, what = numbers.start, ""
    with os.fdopen(read, "rb") as pipe:
        while True:
            begun = time.monotonic()
            if not select.select([pipe], [], [], patience)[0]:
                os.kill(process, signal.SIGKILL)
                what = f"no end after {time.monotonic() - begun:.0f} s"
                break
            line = pipe.readline()
            if not line:
                break
            number, what = json.loads(line)
            if what:
                break
        _, status = os.waitpid(process, 0)
    code = os.waitstatus_to_exitcode(status)
    return number, what or (f"the process ended with {code}" if code else "")


def _work(kind: str, make: Make, seed: int, numbers: range, scratch: Path, write: int) -> None:
    """Runs cases, and ends this process. Before each one it says which; after one that is at fault, what is wrong."""
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    for number in numbers:
        folder = scratch / str(number)
        folder.mkdir()
        os.chdir(folder)
        os.environ["HOME"] = str(folder)
        os.write(write, f"{json.dumps([number, ''])}\n".encode())
        what = Case(kind, seed, number).run(make, folder)
        if what:
            os.write(write, f"{json.dumps([number, what])}\n".encode())
            os._exit(0)
        os.chdir(scratch)
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


def _kept(scratch: Path, folder: Path, what: str) -> Path:
    """Returns the folder that holds a fault's input from now on, and what was wrong."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(OSError):
        shutil.move(scratch, folder)
    folder.mkdir(exist_ok=True)
    (folder / "fault.txt").write_text(f"{what}\n", errors="backslashreplace")
    return folder
