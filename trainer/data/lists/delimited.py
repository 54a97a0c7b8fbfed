"""Rows of delimited text: CSV, with commas or what spreadsheets write instead, by the rules of RFC 4180."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence

from trainer.errors import UsageError, one_line

_DELIMITERS = ",;\t|"  # the first one is assumed where no header says which
_DECLARED = re.compile(r"sep=(.)\r?\n")  # as Excel writes and reads it
_LONGEST_HEADER = 1 << 16  # characters; csv takes twice as many in a cell
_LONGEST = 100  # characters of a line that a message repeats

Row = tuple[int, list[str]]  # its first line's number, from 1, and its cells


def rows(text: str, location: str, is_header: Callable[[Sequence[str]], bool]) -> Iterator[Row]:
    """Yields the rows that are not blank.

    Args:
      text: all of it.
      location: the file, for messages.
      is_header: whether cells are a header; decides what delimits them.

    Raises:
      UsageError: a quotation mark is where none may be; the message names the line in which the row begins.
    """
    declared = _DECLARED.match(text)
    body, skipped = (text[declared.end() :], 1) if declared else (text, 0)
    delimiter = declared[1] if declared else _delimiter(text, is_header)
    is_quoted_well = _well_quoted(delimiter)
    raw: list[str] = []
    reader = csv.reader(_kept(body, raw), delimiter=delimiter, strict=True, skipinitialspace=True)
    while True:
        line = reader.line_num + 1 + skipped
        raw.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:  # a quotation mark that is never closed, or is closed within a cell
            raise UsageError(_message(location, line, raw)) from None
        written = "".join(raw)
        if '"' in written and not (is_quoted_well(written) and not any(_has_rows(cell, delimiter) for cell in cells)):
            raise UsageError(_message(location, line, raw))
        if any(map(str.strip, cells)):
            yield line, cells


def first_row(text: str, is_header: Callable[[Sequence[str]], bool]) -> list[str]:
    """Returns the cells of the first line that is not blank, whatever the others are."""
    line = next((line for line in _DECLARED.sub("", text, count=1).splitlines() if line.strip()), "")
    return next(csv.reader([line], delimiter=_delimiter(line, is_header), skipinitialspace=True), [])


def _delimiter(text: str, is_header: Callable[[Sequence[str]], bool]) -> str:
    line = next((line for line in io.StringIO(text, newline="") if line.strip()), "")[:_LONGEST_HEADER]
    read = ((one, next(csv.reader([line], delimiter=one, skipinitialspace=True), [])) for one in _DELIMITERS)
    return next((one for one, cells in read if is_header(cells)), _DELIMITERS[0])


def _kept(text: str, lines: list[str]) -> Iterator[str]:
    """Yields the lines of a text, and appends each to a list."""
    for line in io.StringIO(text, newline=""):
        lines.append(line)
        yield line


def _well_quoted(delimiter: str) -> Callable[[str], object]:
    """Returns the check of a row as it is written: quotation marks are around cells, and doubled inside."""
    cell = rf'(?: *"[^"]*(?:""[^"]*)*"|[^"\r\n{re.escape(delimiter)}]*)'
    return re.compile(rf"{cell}(?:{re.escape(delimiter)}{cell})*[\r\n]*").fullmatch


def _has_rows(cell: str, delimiter: str) -> bool:
    """Returns whether a cell spans lines that look like rows: they are inside an unmatched quotation mark."""
    return delimiter in cell and ("\n" in cell or "\r" in cell)


def _message(location: str, line: int, raw: Sequence[str]) -> str:
    first = one_line("".join(raw[:1]).strip()[:_LONGEST])
    return (
        f"{location}, line {line}: must close a quotation mark in the same cell, and double it inside text. "
        f"Received: {first}"
    )
