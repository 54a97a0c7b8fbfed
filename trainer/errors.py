"""The ways a run ends that are no fault of the program; each becomes one line and an exit status."""

# What ends a line, or moves the cursor of a terminal, in a name or a value that a message repeats.
_ESCAPED = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}
_ESCAPED |= {ord("\t"): "\\t", ord("\n"): "\\n", ord("\r"): "\\r", 0x2028: "\\u2028", 0x2029: "\\u2029"}


def one_line(text: str) -> str:
    """Returns text on one line that can be printed, with escapes for what cannot."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8").translate(_ESCAPED)


class UsageError(ValueError):
    """A flag, file or variable of the user's breaks a rule; exit status 2.

    Args:
      messages: each names what breaks a rule, and the rule; a line each, whatever it repeats of what was received.
    """

    def __init__(self, *messages: str):
        super().__init__("\n".join(map(one_line, messages)))


class DivergedError(ArithmeticError):
    """The loss is no longer a finite number. Exit status 3."""


class StorageError(OSError):
    """The run's output can no longer be written, as on a full disk. Exit status 4.

    Args:
      message: what cannot be written, and why; one line, whatever it repeats.
    """

    def __init__(self, message: str = ""):
        super().__init__(one_line(message))


class StoppedError(KeyboardInterrupt):
    """A signal stopped the program. Exit status 128 and the signal's number, so 129, 130 or 143."""


class MachineLostError(RuntimeError):
    """Another machine of the cluster is gone, or has been silent for too long. Exit status 134."""
