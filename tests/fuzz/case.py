"""One case: its input, what reads it, and whether it ends as it may."""

import contextlib
import dataclasses
import io
import traceback
from collections.abc import Callable
from pathlib import Path
from random import Random

from trainer.errors import StorageError, UsageError

Run = Callable[[], object]
Make = Callable[[Random, Path], Run]  # writes the input to a folder, and returns what reads it

_STATUSES = (0, 2, 4)  # done; a mistake of the user's; the output cannot be written


@dataclasses.dataclass(frozen=True)
class Case:
    """One input.

    Attributes:
      kind: what reads it, a name in `kinds.KINDS`.
      seed: of the whole run.
      number: which of its kind.
    """

    kind: str
    seed: int
    number: int

    def __str__(self) -> str:
        return f"{self.kind}-{self.seed}-{self.number}"

    def run(self, make: Make, folder: Path) -> str:
        """Makes the input in a folder and reads it; returns what was wrong, or nothing."""

        def run() -> object:
            return make(Random(str(self)), folder)()

        return judged(run)


def judged(run: Run) -> str:
    """Returns how something ends that it must not: with a traceback, in silence, in several lines; or nothing."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
            status = run()
    except (UsageError, StorageError) as error:
        return _unfit(str(error))
    except SystemExit as error:
        status = error.code
    except BaseException:
        return traceback.format_exc()
    if type(status) is not int:
        return ""
    if status not in _STATUSES:
        return f"exit status {status}: {said.getvalue()}"
    if "Traceback" in said.getvalue():
        return said.getvalue()
    return "" if status == 0 or said.getvalue().strip() else f"exit status {status} without a word"


def _unfit(message: str) -> str:
    if not message.strip():
        return "an error without a message"
    return f"a message of several lines: {message!r}" if {"\n", "\r"} & {*message} else ""
