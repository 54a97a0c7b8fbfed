"""Numbers in delimited text, many at once."""

import re

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]

_NUMBER = re.compile(rb"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_MISSING = (b"?", b"nan")
_LONGEST = 100  # characters that a message repeats

NONE: Values = np.empty(0)


def parse(text: bytes, delimiter: bytes, *, may_be_empty: bool = False) -> Values:
    """Returns the numbers of a row, float64; NaN where one is missing: `?` or NaN.

    Args:
      text: the row.
      delimiter: between numbers; a blank is any run of blanks.
      may_be_empty: whether nothing between two delimiters is a missing number too.

    Raises:
      ValueError: something is not a finite number; the message is it.
    """
    count = len(text.split()) if delimiter == b" " else text.count(delimiter) + 1
    try:
        # 60 million characters a second, where float() reads 15 million.
        values: Values = np.fromstring(text.replace(b"?", b"nan"), np.float64, sep=delimiter.decode())
    except ValueError:
        values = np.empty(0)
    if len(values) == count and not np.isinf(values).any():
        return values
    cells = text.split() if delimiter == b" " else text.split(delimiter)
    return np.array([_number(cell.strip(), may_be_empty) for cell in cells])


def _number(cell: bytes, may_be_empty: bool) -> float:
    if _NUMBER.fullmatch(cell):
        value = float(cell)
        if np.isfinite(value):
            return value
    elif cell.lower() in _MISSING or (may_be_empty and not cell):
        return float("nan")
    raise ValueError(cell[:_LONGEST].decode("utf-8", "backslashreplace") or "nothing")
