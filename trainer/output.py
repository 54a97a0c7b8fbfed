"""Standard output and error whose reader may disappear: a closed pipe or a closed terminal."""

import errno
import io
import os
import sys
from typing import Any

_GONE = (errno.EPIPE, errno.EIO)  # the reader of a pipe has closed it; the terminal is gone


def outlive_readers() -> None:
    """Makes this program continue after the readers of its standard output and error have disappeared.

    Call this first. A stream that is closed at the start is opened to the null device, so that no other file gets its
    number.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number: this one
    sys.stdout, sys.stderr = _lasting(sys.stdout, 1), _lasting(sys.stderr, 2)


class _Lasting(io.FileIO):
    """Accepts all output, and discards it after the reader has disappeared."""

    def write(self, content: Any, /) -> int:
        try:
            return super().write(content)
        except OSError as error:
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, self.fileno())  # also for output of C++, child processes and the end of this process
            os.close(nothing)
            if error.errno not in _GONE:
                raise
        return super().write(content)


def _lasting(stream: Any, number: int) -> Any:
    binary = io.BufferedWriter(_Lasting(number, "w", closefd=False))
    if stream is None:  # it was closed
        return io.TextIOWrapper(binary, encoding="utf-8", errors="backslashreplace")
    if not isinstance(stream, io.TextIOWrapper):  # replaced by the program
        return stream
    stream.flush()
    return io.TextIOWrapper(
        binary,
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
