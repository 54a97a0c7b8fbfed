"""The `.tsv` files of the UCR archive, and the `.txt` files of its older form: a series a line, its class first.

Source: H. A. Dau et al., "The UCR Time Series Classification Archive", 2018: values that a series lacks at its end, and
within it, are NaN.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from trainer.data.lists import fields, numbers
from trainer.data.lists.series_rows import Channels, Rows, as_float32, class_of, lines_of
from trainer.errors import UsageError

_DELIMITERS = (b"\t", b",", b" ")  # the first that a line has
_HEAD = 1 << 20  # bytes; more than a line of 50,000 values has
_FEWEST = 2  # values of a series
_LARGEST_LABEL = 2**53  # that float64 distinguishes from its neighbours


def begins_as_one(path: Path) -> bool:
    """Returns whether a file's first line is a class and numbers; or the second, below names of no manifest's columns.

    The names are then refused with their line.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return False
    lines = [line.strip() for line in head.removeprefix(b"\xef\xbb\xbf").splitlines() if line.strip()][:2]
    if not lines or _is_series(lines[0]):
        return bool(lines)
    names = lines[0].decode("utf-8", "replace").split("\t")
    is_manifest = fields.IMAGE in map(fields.role_of, names)
    return path.suffix.lower() == ".tsv" and len(names) > _FEWEST and not is_manifest and _is_series(lines[-1])


def _is_series(line: bytes) -> bool:
    _, values = _split(line, _delimiter(line))
    try:
        return len(numbers.parse(values, _delimiter(line), may_be_empty=True)) >= _FEWEST
    except ValueError:
        return False


def read(path: Path, location: str, *, needs_classes: bool = True) -> Rows:
    """Returns the series of a file; values that are missing at a series's end are beyond it.

    Args:
      path: the file.
      location: the same, for messages.
      needs_classes: whether each series must have a class; otherwise the first column is not looked at.

    Raises:
      UsageError: it is no such file, or a line breaks a rule.
    """
    labels: list[str] = []
    series: list[Channels] = []
    numbered: list[int] = []
    delimiter = b""
    for number, raw in enumerate(lines_of(path, location), 1):
        line = raw.strip(b" \r\n")
        if not line.strip():
            continue
        delimiter = delimiter or _delimiter(line)
        place = f"{location}, line {number}"
        label, values = _split(line, delimiter)
        labels.append(_label(label, place) if needs_classes else "")
        series.append([_without_end(as_float32(_values(values, delimiter, place), place))])
        numbered.append(number)
    return Rows(location, labels, series, numbered)


def _delimiter(line: bytes) -> bytes:
    return next((one for one in _DELIMITERS if one in line), _DELIMITERS[0])


def _split(line: bytes, delimiter: bytes) -> tuple[bytes, bytes]:
    """Returns a line's class and its values."""
    if delimiter == b" ":
        label, *values = line.split(None, 1)
        return label, values[0] if values else b""
    label, _, rest = line.partition(delimiter)
    return label.strip(), rest


def _values(text: bytes, delimiter: bytes, place: str) -> npt.NDArray[np.float64]:
    if not text.strip():
        raise UsageError(f"{place}: must be a class and the values of a series. Received: no value")
    try:
        return numbers.parse(text, delimiter, may_be_empty=True)
    except ValueError as error:
        raise UsageError(
            f"{place}: a value must be a finite number, or NaN where it is missing. Received: {error}"
        ) from None


def _without_end(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    if not np.isnan(values[-1]):
        return values
    there = np.flatnonzero(~np.isnan(values))
    return values[: there[-1] + 1 if len(there) else 0]


def _label(written: bytes, place: str) -> str:
    """Returns a class's name; of a whole number the shortest, as files write `1.0000000e+00` for 1."""
    name = class_of(written, place)
    try:
        number = float(name)
    except ValueError:
        return name
    if not number.is_integer():  # nor is infinity
        raise UsageError(f"{place}: must begin with its class, a name or a whole number. Received: {name}")
    return str(int(number)) if abs(number) < _LARGEST_LABEL else name
