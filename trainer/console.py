"""The console and the names of files, for any encoding of the locale."""

import io
import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import TextIO

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


def flowed(text: str, width: int) -> str:
    """Returns text whose lines break between words; a command continues after a backslash, so that it can be pasted.

    Args:
      text: one or several lines.
      width: characters of a line, at most; longer words are not broken.
    """
    return "\n".join(one for line in text.split("\n") for one in _broken(line, width))


def _broken(line: str, width: int) -> list[str]:
    if len(line) <= width or not line.strip():
        return [line]
    margin = line[: len(line) - len(line.lstrip())]
    is_command = " -m trainer." in line
    wrapper = textwrap.TextWrapper(
        width - 2 if is_command else width,
        initial_indent=margin,
        subsequent_indent=f"{margin}    " if is_command else margin,
        break_long_words=False,
        break_on_hyphens=False,
    )
    parts = wrapper.wrap(line.strip())
    return [f"{part} \\" for part in parts[:-1]] + parts[-1:] if is_command else parts


def report(message: str, stream: TextIO | None = None) -> None:
    """Prints a message, by default on standard error; in a terminal, its lines have the terminal's width."""
    stream = stream or sys.stderr
    columns = shutil.get_terminal_size().columns
    print(flowed(message, columns) if stream.isatty() else message, file=stream, flush=True)


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
