"""Samples with the same content."""

from collections.abc import Hashable, Iterator, Mapping, Sequence

from trainer.data.lists.entries import PARTS, Entry
from trainer.errors import one_line


def of_others(entries: Sequence[Entry], contents: Mapping[int, Hashable]) -> Iterator[tuple[int, int]]:
    """Yields the index of each entry that is a copy, with the index of the one that is not.

    Of the samples with one content that of the test part is the original, else that of the validation part, else the
    first by name.

    Args:
      entries: each with its part.
      contents: by index what is equal where the content is; an index that is missing is not looked at.
    """
    originals: dict[Hashable, int] = {}
    for index in sorted(contents, key=lambda index: (-PARTS.index(entries[index].part), entries[index].name)):
        original = originals.setdefault(contents[index], index)
        if original != index:
            yield index, original


def contradiction(own: Entry, other: Entry) -> str:
    """Returns the problem of a copy with another class."""
    return f"of class {one_line(own.label)}; the same content as {other.place}, of class {one_line(other.label)}"
