"""Manifests: files that list images and their classes, CSV or JSON Lines."""

import codecs
import dataclasses
import os
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from trainer.data.lists import delimited, fields, frames, json_lines, parts
from trainer.data.lists.columns import PassedOver
from trainer.data.lists.entries import FRAMES, WHOLE, Entry
from trainer.data.lists.fields import IMAGE, LABEL, PART, ROLES, role_of
from trainer.data.lists.pointers import POINTER
from trainer.data.lists.targets import BY_DEFAULT, Target
from trainer.data.lists.targets import numbers as real
from trainer.errors import UsageError, one_line
from trainer.hparams import MANAGED

_DELIMITED = (".csv", ".tsv")
_SUFFIXES = (*_DELIMITED, ".jsonl", ".jsonlines", ".ndjson")
_SCHEME = "gs://"

_HEAD = 1 << 16  # bytes that show whether a file is a manifest

Log = Callable[[str], object]


@dataclasses.dataclass(frozen=True)
class Managed:
    """The files of a managed data set of Vertex AI, which the environment of a training job names.

    Attributes:
      format: jsonl or csv, from `AIP_DATA_FORMAT`.
      locations: by part, where its files are, as in `gs://bucket/folder/training-*`, from `AIP_TRAINING_DATA_URI`,
        `AIP_VALIDATION_DATA_URI` and `AIP_TEST_DATA_URI`.
    """

    format: str
    locations: Mapping[str, str]

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> "Managed | None":
        """Returns the data set that `Environment.managed` names, or None."""
        locations = {part: location for part, location in variables.items() if part != "format"}
        return cls(variables.get("format", ""), locations) if variables else None


def is_one(path: Path) -> bool:
    """Returns whether a file has the name of a manifest."""
    return path.suffix.lower() in _SUFFIXES and path.is_file()


def lists_images(path: Path, target: Target = BY_DEFAULT) -> bool:
    """Returns whether a file of a manifest's name begins as one: with a header, or an image and its target."""
    is_header = _headers(target)
    try:
        with path.open("rb") as file:
            text = _decoded(file.read(_HEAD), "ignore")
    except OSError:
        return True  # reading it reports the reason
    if text.startswith(POINTER):
        return True  # reading it reports the pointer
    if _is_delimited(path, ""):
        first = delimited.first_row(text, is_header)
        return is_header(first) or _is_vertex(first)
    return json_lines.begins_with_image(text, needs_label=not target.has_columns())


def of_other_parts(path: Path) -> str:
    """Returns the names of the manifests of other parts next to a manifest that is named after a part."""
    part = parts.words_of(path.stem)
    beside = [file for file in sorted(path.parent.iterdir()) if is_one(file)] if part else []
    return ", ".join(file.name for file in beside if parts.words_of(file.stem) - part)


def read_managed(managed: Managed, fetch: Callable[[str], Path], target: Target = BY_DEFAULT) -> list[Entry]:
    """Returns the images of a managed data set of Vertex AI, each in the part whose file lists it.

    Raises:
      UsageError: the format is unknown, a file is missing, or a line breaks a rule.
    """
    if managed.format not in ("csv", "jsonl"):
        raise UsageError(f"`AIP_DATA_FORMAT` must be one of csv, jsonl. Received: {managed.format}")
    entries: list[Entry] = []
    for part, location in managed.locations.items():
        above, _, pattern = location.rpartition("/")
        files = sorted((fetch(above) if above.startswith(_SCHEME) else Path(above or ".")).glob(pattern))
        if not files:
            raise UsageError(f"`--data={MANAGED}` must be used with files of the split {part}. Received: {location}")
        for file in files:
            shown = f"{above}/{file.name}"
            found = _entries(file, shown, fetch, lambda line: None, target, format=managed.format, part=part)
            entries += [dataclasses.replace(entry, part=part) for entry in found]
    return _once(target.settled(entries), lambda line: None)


def read_parts(
    files: Sequence[Path], location: str, fetch: Callable[[str], Path], log: Log, target: Target = BY_DEFAULT
) -> list[Entry]:
    """Returns the images of manifests in one folder that are named after their parts: `train.csv`, `test.csv`.

    Args:
      files: the manifests.
      location: of their folder, which may be in a bucket.
      fetch: as in `read`.
      log: as in `read`.
      target: as in `read`.

    Raises:
      UsageError: a name contains no part, formats differ, or a file breaks a rule.
    """
    above = location.rstrip("/")
    shown = one_line(location)
    if len({_is_delimited(file, "") for file in files}) > 1:
        raise UsageError(
            f"{shown}: manifests must be of one format, CSV or JSON Lines. "
            f"Received: {', '.join(one_line(file.name) for file in files)}"
        )
    of_files = parts.of_files(files, files[0].parent)
    if not any(of_files):
        raise UsageError(
            f"{shown}: must contain one manifest, or manifests whose names contain train, validation or test. "
            f"Received: {', '.join(one_line(file.name) for file in files)}"
        )
    entries: list[Entry] = []
    for file, part in zip(files, of_files, strict=True):
        for entry in _entries(file, f"{above}/{file.name}", fetch, log, target, part=part):
            if entry.part not in ("", part):
                raise UsageError(
                    f"{entry.listed}: `split` must be {part}, as the name of its file says. Received: {entry.part}"
                )
            entries.append(dataclasses.replace(entry, part=part))
    return _once(target.settled(entries), log)


def read(
    path: Path,
    location: str,
    fetch: Callable[[str], Path],
    format: str = "",
    *,
    log: Log = lambda line: None,
    target: Target = BY_DEFAULT,
) -> list[Entry]:
    """Returns the images that a manifest lists, each once.

    CSV, with a header that has `image`, `label` and optionally `split`; or as Vertex AI imports it, without a header:
    `[ML_USE,]gs://…,label`. Semicolons, tabs or bars can replace its commas. JSON Lines: objects with the same names,
    or Vertex AI's import schema for single-label images (`imageGcsUri`, `classificationAnnotation.displayName`,
    `dataItemResourceLabels`). UTF-8, or UTF-16 that begins with a byte order mark.

    Args:
      path: the file.
      location: the file's own location, which may be in a bucket; relative paths start at its folder.
      fetch: returns the local copy of a folder in a bucket.
      format: csv or jsonl; if it is empty, the file's name decides.
      log: receives a line about images that are listed more than once.
      target: how labels are read.

    Raises:
      UsageError: a line breaks a rule; the message names the file and the line.
    """
    return _once(target.settled(_entries(path, location, fetch, log, target, format=format)), log)


def rows(
    path: Path, location: str, format: str = "", target: Target = BY_DEFAULT
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yields each line's place, as `Entry.listed` has it, and its values by role or by the column's own name.

    Args:
      path: the file.
      location: the file's own location, for messages.
      format: csv or jsonl; if it is empty, the file's name decides.
      target: how labels are read.

    Raises:
      UsageError: the file cannot be read, or a line is not as its format wants it.
    """
    shown = one_line(location)
    text = _text(path, shown)
    for line, row in (_csv_rows if _is_delimited(path, format) else json_lines.rows)(text, shown, target):
        yield f"{shown}, line {line}", row


def _entries(
    path: Path,
    location: str,
    fetch: Callable[[str], Path],
    log: Log,
    target: Target,
    *,
    format: str = "",
    part: str = "",
) -> list[Entry]:
    shown, is_delimited = one_line(location), _is_delimited(path, format)
    checked: list[tuple[str, str, str, str]] = []
    others = PassedOver(shown, "column" if is_delimited else "field")
    has_parts = bool(part)
    found = rows(path, location, format, target)
    columns: list[str] = []
    if target.has_columns():
        found = iter(every := [*found])
        columns = _number_columns([row for _, row in every], shown, log)
    for where, row in found:
        image, label, said = _checked(row, where, target, columns)
        checked.append((where, image, label, said))
        has_parts = has_parts or bool(said)
        for name in row.keys() - {*ROLES, *columns}:
            others.add(name, row[name], label, where)
    if not checked:
        raise UsageError(f"{shown}: must list a sample. Received: none")
    others.check(has_parts, log)
    above = location.rpartition("/")[0]
    folder = above if above.startswith(_SCHEME) else os.path.abspath(above)  # noqa: PTH100  of a text
    local = _Local([_joined(above, image) for _, image, *_ in checked], fetch)
    return [
        Entry(file, label, _name(image, folder), part, length=FRAMES if frames.is_one(file) else WHOLE, listed=where)
        for where, image, label, part in checked
        for file in [local.path(_joined(above, image))]
    ]


def _number_columns(rows: Sequence[Mapping[str, str]], shown: str, log: Log) -> list[str]:
    """Returns the columns of numbers; none where there is a column `label`, which then has them all."""
    if not rows or any(LABEL in row for row in rows):
        return []
    held, others = real.columns(rows, ROLES)
    if not held:
        received = ", ".join(map(one_line, others)) or "none besides"
        raise UsageError(f"{shown}: must have `label`, or other columns of numbers. Received: {received}")
    ignored = f"; ignored: {', '.join(others)}" if others else ""
    log(one_line(f"numbers of {shown}: {', '.join(held)}{ignored}"))
    return held


def _text(path: Path, shown: str) -> str:
    """Returns the text of a manifest.

    Raises:
      UsageError: it cannot be read, or is not text.
    """
    try:
        raw = path.read_bytes()
        text = _decoded(raw)
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-16" if _is_wide(raw) else "utf-8", "replace")
        received = f"the byte 0x{raw[error.start]:02x}" if not _is_wide(raw) else "a part of a character"
        raise UsageError(
            f"{shown}, line {before.count(chr(10)) + 1}: must be {'UTF-16' if _is_wide(raw) else 'UTF-8'}. "
            f"Received: {received}"
        ) from None
    except OSError as error:
        raise UsageError(f"{shown}: must be a file that can be read. Received: {error.strerror}") from None
    if text.startswith(POINTER):
        raise UsageError(f"{shown}: must be a manifest. Received: a Git LFS pointer; `git lfs pull` fetches the file")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise UsageError(f"{shown}, line {line}: must be text. Received: a NUL character")
    return text


def _once(entries: Sequence[Entry], log: Log) -> list[Entry]:
    """Returns entries without repetitions; if a file has two labels, both are kept, so that it is reported.

    Raises:
      UsageError: one file is listed in two parts.
    """
    kept: list[Entry] = []
    first: dict[tuple[str, str], Entry] = {}
    of_file: dict[str, Entry] = {}
    for entry in entries:
        file = _identity(entry.file)
        other = of_file.setdefault(file, entry)
        if other.part != entry.part:
            raise UsageError(
                f"{entry.listed}: a sample must be in one part. "
                f"Received: {entry.location} in {entry.part or 'none'}, and in {other.part or 'none'} in {other.listed}"
            )
        if first.setdefault((file, entry.label), entry) is entry:
            kept.append(entry)
    if len(kept) < len(entries):
        location, count = kept[0].listed.rpartition(", line ")[0], f"{len(entries) - len(kept):,} of {len(entries):,}"
        log(f"{location}: {count} lines repeat a sample, which counts once")
    return kept


def _identity(path: str) -> str:
    """Returns the identity of a file, the same for all its paths and links."""
    try:
        status = os.stat(path)  # noqa: PTH116  of each of very many
    except (OSError, ValueError):  # it is reported when it is read
        return os.path.normpath(path)
    return f"{status.st_dev}:{status.st_ino}" if status.st_ino else os.path.normpath(path)


def _name(image: str, folder: str) -> str:
    """Returns an image's name: its path relative to the list's folder if it is below it, however it is written.

    So the images of a moved folder keep their names.
    """
    scheme, path = (_SCHEME, image.removeprefix(_SCHEME)) if image.startswith(_SCHEME) else ("", image)
    whole = scheme + os.path.normpath(path)
    return whole.removeprefix(f"{folder}/")


def _is_delimited(path: Path, format: str) -> bool:
    return format == "csv" if format else path.suffix.lower() in _DELIMITED


def _decoded(raw: bytes, errors: str = "strict") -> str:
    return raw.decode("utf-16" if _is_wide(raw) else "utf-8-sig", errors)


def _is_wide(raw: bytes) -> bool:
    return raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))


class _Local:
    """The local paths of a bucket's images; each folder is fetched completely, and once.

    Args:
      locations: paths and gs:// names.
      fetch: returns the local copy of a folder in a bucket.
    """

    def __init__(self, locations: Sequence[str], fetch: Callable[[str], Path]):
        above = {location.rpartition("/")[0] for location in locations if location.startswith(_SCHEME)}
        self._folders: dict[str, Path] = {}
        for folder in sorted(above):  # one that holds another comes before it
            if not self._within(folder):
                self._folders[folder] = fetch(folder)

    def path(self, location: str) -> str:
        if not location.startswith(_SCHEME):
            return location if location.isascii() else _spelled(location)
        folder = self._within(location)
        return str(self._folders[folder] / location.removeprefix(folder).lstrip("/"))

    def _within(self, location: str) -> str:
        """Returns the fetched folder that contains a location; empty if none does."""
        parts = location.split("/")
        found = (one for one in ("/".join(parts[:count]) for count in range(len(parts), 2, -1)) if one in self._folders)
        return next(found, "")


def _spelled(path: str) -> str:
    """Returns a path as this system spells it: in its encoding, with composed or decomposed letters as in the name."""
    forms = (path, *(unicodedata.normalize(form, path) for form in ("NFC", "NFD")))
    spelled = [os.fsdecode(form.encode("utf-8", "surrogateescape")) for form in forms]
    return next((one for one in spelled if os.path.lexists(one)), spelled[0])


def _joined(above: str, image: str) -> str:
    if image.startswith(("~/", _SCHEME, "/")):
        return os.path.expanduser(image)  # noqa: PTH111  a text, which may be a bucket's
    return f"{above}/{image}" if above else image


def _checked(row: Mapping[str, str], where: str, target: Target, columns: Sequence[str]) -> tuple[str, str, str]:
    """Returns a row's image, target and part.

    Args:
      row: by role, or by its own name.
      where: the line, for messages.
      target: how its target is read.
      columns: that hold it; none if it is in `label`.
    """
    image, part = (row.get(name, "").strip() for name in (IMAGE, PART))
    if not image or not (columns or target.allows_none or row.get(LABEL, "").strip()):
        raise UsageError(f"{where}: must have `{LABEL if image else IMAGE}`. Received: {dict(row)}")
    if columns:
        label = target.of_columns(row, columns, where)
    else:
        given = row.get(LABEL, "")
        label = given.value if isinstance(given, json_lines.Settled) else target.of_cell(given, where)
    meant = parts.part_of(part)
    if meant is None:
        raise UsageError(f"{where}: `split` must be one of train, validation, test. Received: {one_line(part)}")
    return image, label, meant


def _csv_rows(text: str, location: str, target: Target) -> Iterator[tuple[int, dict[str, str]]]:
    columns: list[str] = []
    header: list[str] = []
    for line, cells in delimited.rows(text, location, _headers(target)):
        if not columns:
            columns = _columns(cells, location, target)
            if not _is_vertex(cells):
                header = cells
                continue
        if len(cells) != len(columns):
            raise UsageError(f"{location}, line {line}: must have {len(columns)} columns. Received: {len(cells)}")
        if header and fields.is_header(cells, columns):
            raise UsageError(f"{location}, line {line}: must be a sample. Received: the header again")
        yield line, dict(zip(columns, cells, strict=True))


def _roles(first: Sequence[str]) -> list[str]:
    return [*map(role_of, first)]


def _is_header(first: Sequence[str]) -> bool:
    return {IMAGE, LABEL} <= {*_roles(first)}


def _headers(target: Target) -> Callable[[Sequence[str]], bool]:
    """Returns the check whether cells are a header."""
    if not target.has_columns():
        return _is_header
    return lambda first: IMAGE in _roles(first) and len(first) > 1


def _columns(first: Sequence[str], location: str, target: Target) -> list[str]:
    """Returns the role of each column, from the header or from Vertex AI's first image."""
    if _is_vertex(first):
        column = next(index for index, cell in enumerate(first) if cell.startswith(_SCHEME))
        return [PART, IMAGE, LABEL][1 - column :]
    columns = _roles(first)
    for name, least in ((IMAGE, 1), (LABEL, 0 if target.has_columns() else 1), (PART, 0)):
        if columns.count(name) not in (1, least):
            also = (
                "; `--target=numbers` trains on other columns, of numbers" if name == LABEL and IMAGE in columns else ""
            )
            received = ", ".join(map(one_line, first))
            raise UsageError(f"{location}: must have one column `{name}`. Received: {received}{also}")
    return columns


def _is_vertex(cells: Sequence[str]) -> bool:
    return any(cell.startswith(_SCHEME) for cell in cells[:2]) and len(cells) in (2, 3)
