"""Texts that are no single class: several in one, numbers of a list, fractions."""

import functools
import re
from collections.abc import Callable, Iterable

from trainer.data.lists.text import normal
from trainer.errors import UsageError, one_line

_FRACTION = re.compile(r"[+-]?(\d+\.\d*|\.\d+)([eE][+-]?\d+)?")
_NUMBERS = re.compile(r"\d+(\s*[;,|\s]\s*\d+)+")  # a one-hot vector, or several classes
_LIST = re.compile(r"\[[^\[\]]*\]")
_SURE, _POSSIBLE = "|;", ","  # what separates several classes; a comma is in many a name too


@functools.lru_cache(1 << 16)
def fault(text: str, *, can_be_number: bool) -> str:
    """Returns what a text is, for a person, where it is no class; nothing where it may be one.

    Args:
      text: a list's.
      can_be_number: whether the list does not tell numbers from texts, as in CSV.
    """
    if _LIST.fullmatch(text) or _NUMBERS.fullmatch(text):
        return "several values"
    return "a fraction" if can_be_number and _FRACTION.fullmatch(text) else ""


def reject_several(labels: Iterable[str], where: Callable[[str], str]) -> None:
    """Checks that no label is several classes: `cat|dog` beside `cat`, or beside `cat|bird`; `cat, dog` beside both.

    Args:
      labels: of a data set, each once.
      where: returns the line or record that has a label.

    Raises:
      UsageError: one is.
    """
    known = [*labels]
    of_piece = {label: label for label in known}  # a label that is a piece, or has it
    for label in known:
        pieces = _pieces(label, _SURE)
        for piece in pieces:
            other = of_piece.setdefault(piece, label)
            if len(pieces) > 1 and other != label:
                _reject(label, piece, other, where)
        pieces = _pieces(label, _POSSIBLE)
        if len(pieces) > 1 and all(of_piece.get(piece) == piece for piece in pieces):
            _reject(label, pieces[0], pieces[0], where)


def _reject(label: str, piece: str, other: str, where: Callable[[str], str]) -> None:
    raise UsageError(
        f"{where(label)}: `label` must be one class. Received: {one_line(label)}; "
        f"{one_line(piece)} is a class too, in {where(other)}"
    )


def _pieces(label: str, separators: str) -> list[str]:
    pieces = [normal(piece) for piece in re.split(f"[{separators}]", label)]
    return pieces if all(pieces) else [label]
