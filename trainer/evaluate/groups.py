"""The groups of samples that a column of a manifest gives."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from trainer.data.lists import manifest
from trainer.data.lists.entries import Entry
from trainer.data.lists.fields import role_of
from trainer.data.lists.targets import BY_DEFAULT, Target
from trainer.errors import UsageError, one_line
from trainer.files import expanded

NONE = ""  # of a sample whose line has no value
_IGNORED = "; ignored: "  # before the columns without numbers, in a line about those with numbers


def values(
    entries: Sequence[Entry], data: str, column: str, fetch: Callable[[str], Path], target: Target = BY_DEFAULT
) -> list[str]:
    """Returns the value of a column for each sample; empty where its line has none.

    Args:
      entries: samples that one or more manifests list.
      data: the location of the manifest, or of the folder that contains it.
      column: its name.
      fetch: returns the local copy of a location in a bucket.
      target: how labels are read.

    Raises:
      UsageError: there is no manifest, or no such column.
    """
    wanted = {entry.listed for entry in entries}
    role, names = role_of(column), set[str]()
    found: dict[str, str] = {}
    for path, location in _manifests(data, fetch, target):
        for place, row in manifest.rows(path, location, target=target):
            if place in wanted:
                names |= row.keys()
                found[place] = row.get(role, NONE).strip()
    if not names:
        raise UsageError(f"`--by` must be a column of a manifest. Received: {column}, and {data} without a manifest")
    if role not in names:
        near = difflib.get_close_matches(column, names, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UsageError(
            f"`--by` must be a column of the manifest: {', '.join(map(one_line, sorted(names)))}. "
            f"Received: {one_line(column)}{hint}"
        )
    return [found.get(entry.listed, NONE) for entry in entries]


def without_notes(log: Callable[[str], object], column: str) -> Callable[[str], object]:
    """Returns a log that does not say that a column is ignored, which `--by` uses."""
    name = one_line(column)

    def logged(line: str) -> None:
        rest, mark, ignored = line.partition(_IGNORED)
        if column and f": {name} is ignored;" in line:
            return
        others = [one for one in ignored.split(", ") if one != name]
        log(line if not (column and mark) else f"{rest}{_IGNORED}{', '.join(others)}" if others else rest)

    return logged


def _manifests(data: str, fetch: Callable[[str], Path], target: Target) -> Iterator[tuple[Path, str]]:
    """Yields the manifests of a data set, each with its location as messages name it."""
    path, location = fetch(data) if data.startswith("gs://") else Path(expanded(data)), expanded(data)
    if path.is_file():
        yield from _listing([path], lambda file: location, target)
    elif path.is_dir():
        yield from _listing(sorted(path.iterdir()), lambda file: f"{location.rstrip('/')}/{file.name}", target)


def _listing(paths: Iterable[Path], location_of: Callable[[Path], str], target: Target) -> Iterator[tuple[Path, str]]:
    return (
        (path, location_of(path)) for path in paths if manifest.is_one(path) and manifest.lists_images(path, target)
    )
