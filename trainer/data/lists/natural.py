"""The order of names in which numbers in them count by their value."""

import re


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Returns what a name is sorted by: `a2` comes before `a10`."""
    pieces = re.split(r"(\d{1,4000})", name)  # int() takes no more
    return tuple((0, int(piece), piece) if piece.isdecimal() else (1, 0, piece) for piece in pieces)
