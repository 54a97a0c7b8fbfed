"""What a fold is doing, in one line of a terminal that changes: its last epoch."""

from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.text import Text

from trainer.study.local import outcome

_SPINNER = 2  # columns of the mark before the line


class Progress:
    """Shows the last epoch of a run from its log; nothing if there is no terminal.

    Args:
      screen: the console.
      name: the beginning of the line.
      log: the file with the output of the run.
    """

    def __init__(self, screen: Console, name: str, log: Path):
        self._name, self._log, self._width = name, log, screen.width
        is_live = screen.is_terminal and not screen.is_dumb_terminal
        self._status = screen.status(name) if is_live else None

    def __enter__(self) -> "Progress":
        if self._status:
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._status:
            self._status.stop()

    def update(self) -> None:
        """Shows the line as it is now."""
        if self._status:
            epochs = [line for line in outcome.last_lines(self._log).splitlines() if line.startswith("epoch ")]
            line = f"{self._name}: {epochs[-1]}" if epochs else self._name
            self._status.update(Text(line[: self._width - _SPINNER]))
