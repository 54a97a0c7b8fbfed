"""Series as a file lists them, before they are brought to one length."""

import dataclasses
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trainer.data.lists.pointers import POINTER
from trainer.data.lists.text import normal
from trainer.errors import UsageError

_MISSING = ("?", "nan")

# Of one series, `(channels, length)`, or an array for each channel where their lengths differ; NaN where a value is
# missing.
Channels = npt.NDArray[np.float32] | Sequence[npt.NDArray[np.float32]]


@dataclasses.dataclass(frozen=True)
class Rows:
    """The series of one file.

    Attributes:
      location: the file, for messages.
      labels: the class of each series.
      series: the channels of each series, which may differ in length.
      lines: the number of each series's line, from 1.
    """

    location: str
    labels: Sequence[str]
    series: Sequence[Channels]
    lines: Sequence[int]

    def place(self, index: int) -> str:
        """Returns where a series is listed, for messages."""
        return f"{self.location}, line {self.lines[index]}"


def lines_of(path: Path, location: str) -> list[bytes]:
    """Returns the lines of a text file.

    Raises:
      UsageError: it cannot be read, is empty, or is no text.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{location}: must be a file that can be read. Received: {error.strerror}") from None
    if content.startswith(POINTER.encode()):
        raise UsageError(f"{location}: must be text. Received: a Git LFS pointer; `git lfs pull` fetches the file")
    if b"\0" in content:
        raise UsageError(f"{location}: must be text in UTF-8. Received: binary content")
    if not content.strip():
        raise UsageError(f"{location}: must contain series. Received: an empty file")
    return content.removeprefix(b"\xef\xbb\xbf").splitlines()


def as_float32(values: npt.NDArray[np.float64], place: str) -> npt.NDArray[np.float32]:
    """Returns values in the type that networks take.

    Raises:
      UsageError: one is beyond its range.
    """
    with np.errstate(over="ignore"):
        result = values.astype(np.float32)
    if np.isinf(result).any():
        raise UsageError(
            f"{place}: a value must be within float32, {np.finfo(np.float32).max:.3g}. "
            f"Received: {values[np.isinf(result)][0]:g}"
        )
    return result


def class_of(written: bytes, place: str) -> str:
    """Returns the name of the class that a line says.

    Raises:
      UsageError: it says none.
    """
    name = normal(written.decode("utf-8", "surrogateescape"))
    is_printable = not any(unicodedata.category(character) == "Cc" for character in name)
    if not name or name.lower() in _MISSING or not is_printable:
        raise UsageError(f"{place}: must have its class, a name or a whole number. Received: {name or 'nothing'}")
    return name
