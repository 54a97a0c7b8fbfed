"""Manifests: files that list images and their classes, CSV or JSON Lines."""

import csv
import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from trainer.data.lists.entries import Entry, part_named
from trainer.errors import UsageError
from trainer.hparams import MANAGED

_SUFFIXES = (".csv", ".jsonl", ".jsonlines", ".ndjson")
_IMAGE, _LABEL, _PART = ("image", "label", "split")
_NAMES = {  # of columns and fields
    **dict.fromkeys(("image", "path", "file", "filename", "file_name", "image_path", "imagegcsuri"), _IMAGE),
    **dict.fromkeys(("label", "class", "class_name", "category"), _LABEL),
    **dict.fromkeys(("split", "part", "set", "ml_use"), _PART),
}
_ML_USE = "aiplatform.googleapis.com/ml_use"
_SCHEME = "gs://"

Row = dict[str, str]


@dataclasses.dataclass(frozen=True)
class Managed:
    """The files of a data set that Vertex AI manages, which it names to a training job in the environment.

    Attributes:
      format: jsonl or csv, from `AIP_DATA_FORMAT`.
      locations: by part where its files are, as in `gs://bucket/folder/training-*`, from `AIP_TRAINING_DATA_URI`,
        `AIP_VALIDATION_DATA_URI` and `AIP_TEST_DATA_URI`.
    """

    format: str
    locations: Mapping[str, str]

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> "Managed | None":
        """Returns the data set that `Environment.managed` names; nothing where it names none."""
        locations = {part: location for part, location in variables.items() if part != "format"}
        return cls(variables.get("format", ""), locations) if variables else None


def is_one(path: Path) -> bool:
    """Returns whether a file's name says that it is a manifest."""
    return path.suffix.lower() in _SUFFIXES and path.is_file()


def read_managed(managed: Managed, fetch: Callable[[str], Path]) -> list[Entry]:
    """Returns the images of a data set that Vertex AI manages, each of the part whose file lists it.

    Raises:
      UsageError: it is of another format, a file is not there, or a line breaks a rule.
    """
    if managed.format not in ("csv", "jsonl"):
        raise UsageError(f"`AIP_DATA_FORMAT` must be one of csv, jsonl. Received: {managed.format}")
    entries: list[Entry] = []
    for part, location in managed.locations.items():
        above, _, pattern = location.rpartition("/")
        files = sorted((fetch(above) if above.startswith(_SCHEME) else Path(above or ".")).glob(pattern))
        if not files:
            raise UsageError(f"`--data={MANAGED}` must find the files of the part {part}. Received: {location}")
        for file in files:
            found = read(file, f"{above}/{file.name}", fetch, managed.format)
            entries += [dataclasses.replace(entry, part=part) for entry in found]
    return entries


def read(path: Path, location: str, fetch: Callable[[str], Path], format: str = "") -> list[Entry]:
    """Returns the images that a manifest lists.

    CSV, with a header that has `image`, `label` and perhaps `split`; or as Vertex AI imports it, without a header:
    `[ML_USE,]gs://…,label`. JSON Lines: objects with the same names, or Vertex AI's import schema for single-label
    images (`imageGcsUri`, `classificationAnnotation.displayName`, `dataItemResourceLabels`).

    Args:
      path: the file.
      location: what relative paths are relative to: the file's own location, which may be in a bucket.
      fetch: returns the local folder that is the same as one in a bucket.
      format: csv or jsonl; where it is empty, the file's name decides.

    Raises:
      UsageError: a line breaks a rule; the message names the file and the line.
    """
    is_csv = format == "csv" if format else path.suffix.lower() == ".csv"
    lines = _csv_rows if is_csv else _json_rows
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [_checked(row, f"{location}, line {line}") for line, row in lines(file, location)]
    except UnicodeDecodeError as error:
        raise UsageError(f"{location}: must be UTF-8. Received: byte {error.start:,} is not") from None
    except OSError as error:
        raise UsageError(f"{location}: must be a file that can be read. Received: {error.strerror}") from None
    if not rows:
        raise UsageError(f"{location}: must list an image. Received: none")
    above = location.rpartition("/")[0]
    local = _Local([_joined(above, row[_IMAGE]) for row in rows], fetch)
    return [
        Entry(local.path(_joined(above, row[_IMAGE])), row[_LABEL], row[_IMAGE], part_named(row[_PART]) or "")
        for row in rows
    ]


class _Local:
    """The paths of a bucket's images on this machine; folders are fetched whole, and none twice.

    Args:
      locations: paths and gs:// names.
      fetch: returns the local folder that is the same as one in a bucket.
    """

    def __init__(self, locations: Sequence[str], fetch: Callable[[str], Path]):
        above = {location.rpartition("/")[0] for location in locations if location.startswith(_SCHEME)}
        self._folders: dict[str, Path] = {}
        for folder in sorted(above):  # one that holds another comes before it
            if not self._within(folder):
                self._folders[folder] = fetch(folder)

    def path(self, location: str) -> str:
        if not location.startswith(_SCHEME):
            return location
        folder = self._within(location)
        return str(self._folders[folder] / location.removeprefix(folder).lstrip("/"))

    def _within(self, location: str) -> str:
        """Returns which folder that was fetched holds a location; nothing where none does."""
        parts = location.split("/")
        found = (one for one in ("/".join(parts[:count]) for count in range(len(parts), 2, -1)) if one in self._folders)
        return next(found, "")


def _joined(above: str, image: str) -> str:
    if image.startswith((_SCHEME, "/")):
        return image
    return f"{above}/{image}" if above else image


def _checked(row: Mapping[str, str], where: str) -> Row:
    found = {name: (row.get(name) or "").strip() for name in (_IMAGE, _LABEL, _PART)}
    for name in (_IMAGE, _LABEL):
        if not found[name]:
            raise UsageError(f"{where}: must have `{name}`. Received: {dict(row)}")
    if part_named(found[_PART]) is None:
        raise UsageError(f"{where}: `split` must be one of train, validation, test. Received: {found[_PART]}")
    return found


def _csv_rows(file: Any, location: str) -> Iterator[tuple[int, Row]]:
    reader = csv.reader(file)
    columns: list[str] = []
    try:
        for cells in reader:
            if not any(cells):
                continue
            if not columns:
                columns = _columns(cells, location)
                if columns and not _is_vertex(cells):
                    continue
            if len(cells) != len(columns):
                raise UsageError(
                    f"{location}, line {reader.line_num}: must have {len(columns)} columns. Received: {len(cells)}"
                )
            yield reader.line_num, dict(zip(columns, cells, strict=True))
    except csv.Error as error:
        raise UsageError(f"{location}, line {reader.line_num}: must be CSV. Received: {error}") from None


def _columns(first: Sequence[str], location: str) -> list[str]:
    """Returns what each column means, of which the first line is the header, or Vertex AI's first image."""
    if _is_vertex(first):
        column = next(index for index, cell in enumerate(first) if cell.startswith(_SCHEME))
        return [_PART, _IMAGE, _LABEL][1 - column :]
    columns = [_NAMES.get(cell.strip().lower(), cell) for cell in first]
    for name in (_IMAGE, _LABEL):
        if columns.count(name) != 1:
            raise UsageError(f"{location}: must have one column `{name}`. Received: {', '.join(first)}")
    return columns


def _is_vertex(cells: Sequence[str]) -> bool:
    return any(cell.startswith(_SCHEME) for cell in cells[:2]) and len(cells) in (2, 3)


def _json_rows(file: Any, location: str) -> Iterator[tuple[int, Row]]:
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            said = json.loads(line)
        except ValueError as error:
            raise UsageError(f"{location}, line {number}: must be JSON. Received: {error}") from None
        if not isinstance(said, dict):
            raise UsageError(f"{location}, line {number}: must be an object. Received: {type(said).__name__}")
        plain = {str(name): str(value) for name, value in said.items() if _is_plain(value)}
        row = {_NAMES.get(name.lower(), name): value for name, value in plain.items()}
        annotation, uses = said.get("classificationAnnotation"), said.get("dataItemResourceLabels")
        several = said.get("classificationAnnotations")  # as Vertex AI exports them
        if isinstance(several, list) and len(several) == 1:
            annotation = several[0]
        if isinstance(annotation, dict):
            row[_LABEL] = str(annotation.get("displayName", ""))
        if isinstance(uses, dict):
            row[_PART] = str(uses.get(_ML_USE, ""))
        yield number, row


def _is_plain(value: Any) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool)
