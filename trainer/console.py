"""The console and the names of files, for any encoding of the locale."""

import io
import os
import shutil
import sys
from collections.abc import Sequence

from trainer import output

_NARROWEST = 40  # characters of a line, below which words no longer fit


def prepare() -> None:
    """Decodes file names as UTF-8 and prevents errors in printing. Every entry point calls this first.

    The program continues if the reader of its output disappears, for example a closed pipe; see `output`.

    In a locale other than UTF-8, Python decodes file names and text files with that locale, which would change the
    names of classes. This process then restarts in Python's UTF-8 mode, which its child processes inherit. Characters
    that the console cannot show are printed as `\\u732b`.
    """
    arguments = in_utf8(sys.orig_argv, sys.getfilesystemencoding())
    if arguments:
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606
    output.outlive_readers()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def width(most: int) -> int:
    """Returns the characters of a line of the terminal, from 40 to a maximum, which is used if there is no terminal."""
    return min(most, max(_NARROWEST, shutil.get_terminal_size((most, 24)).columns))


def in_utf8(words: Sequence[str], encoding: str) -> list[str]:
    """Returns the arguments that restart Python in its UTF-8 mode; none if it uses UTF-8 already.

    Args:
      words: the command line of this process, Python first.
      encoding: the encoding of file names.
    """
    mode = ["-X", "utf8"]
    if encoding == "utf-8" or [*words[1:3]] == mode:
        return []
    return [*mode, *words[1:]]
