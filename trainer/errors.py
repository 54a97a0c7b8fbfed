"""The errors that are not bugs; each becomes one line and an exit status."""

# Characters in a name or value that end a line or move the cursor of a terminal.
_ESCAPED = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}
_ESCAPED |= {ord("\t"): "\\t", ord("\n"): "\\n", ord("\r"): "\\r", 0x2028: "\\u2028", 0x2029: "\\u2029"}


def one_line(text: str) -> str:
    """Returns printable text on one line, with escapes for other characters."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8").translate(_ESCAPED)


class UsageError(ValueError):
    """A flag, file or variable breaks a rule; exit status 2.

    Args:
      messages: each names the flag, file or variable and the rule; each becomes one line.
    """

    def __init__(self, *messages: str):
        super().__init__("\n".join(map(one_line, messages)))


class DivergedError(ArithmeticError):
    """The loss is no longer a finite number. Exit status 3."""


class StorageError(OSError):
    """The run's output can no longer be written, for example because the disk is full. Exit status 4.

    Args:
      message: names the output that cannot be written, and the reason; it becomes one line.
    """

    def __init__(self, message: str = ""):
        super().__init__(one_line(message))


class StoppedError(KeyboardInterrupt):
    """A signal stopped the program. Exit status 128 and the signal's number, so 129, 130 or 143."""


class FoldError(RuntimeError):
    """A fold of a cross-validation failed.

    Args:
      status: the exit status of the program.
      message: names the fold and the reason; it becomes one line.
    """

    def __init__(self, status: int, message: str):
        super().__init__(one_line(message))
        self.status = status


class MachineLostError(RuntimeError):
    """Another machine of the cluster has failed, or has been silent for too long. Exit status 134."""
