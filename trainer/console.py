"""The console and the names of files, in whatever encoding the locale has."""

import io
import os
import sys
from collections.abc import Sequence

from trainer import output


def prepare() -> None:
    """Makes names of files UTF-8, and printing never fail; the first call of every entry point.

    A program whose reader goes away, as of a pipe that is closed, goes on unheard; see `output`.

    In a locale that is not UTF-8, Python reads the names of files as that locale says, so that a class would have
    another name there, and text files likewise. This process then starts anew, in Python's UTF-8 mode, and so do the
    processes that it starts. What the console cannot show is shown as `\\u732b`.
    """
    arguments = in_utf8(sys.orig_argv, sys.getfilesystemencoding())
    if arguments:
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606
    output.outlive_readers()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def in_utf8(words: Sequence[str], encoding: str) -> list[str]:
    """Returns the arguments that start Python anew in its UTF-8 mode; none where it has UTF-8, or was started so.

    Args:
      words: the command line of this process, Python first.
      encoding: of the names of files.
    """
    mode = ["-X", "utf8"]
    if encoding == "utf-8" or [*words[1:3]] == mode:
        return []
    return [*mode, *words[1:]]
