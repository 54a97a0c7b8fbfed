"""The series of the UCR/UEA archive: `NAME_TRAIN.ts` and `NAME_TEST.ts`, or `.tsv`, or the older `.txt`.

Source: timeseriesclassification.com.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trainer.data.form import Form
from trainer.data.kinds.options import SampleOptions
from trainer.data.lists import one_length, parts, ts_file, tsv_file
from trainer.data.lists.entries import PARTS, TRAIN, Entry, class_names
from trainer.data.lists.given import Given, Pair
from trainer.data.lists.series_rows import Rows
from trainer.errors import UsageError, one_line

_SUFFIXES = (".ts", ".tsv", ".txt")  # in the order in which a folder that has several is read
_PARTED = re.compile(r"(?:(.*)[_\-. ])?([a-z]+)", re.IGNORECASE)  # the part is the last word of a file's name
_HEAD = 1 << 12  # bytes of a `.ts` file that say what it is
_MOST_SPARE = 16  # values of the array for each one in the files
_FEW_VALUES = 2**28  # a gigabyte, in float32


@dataclasses.dataclass(frozen=True)
class _File:
    """A file of series.

    Attributes:
      path: the file.
      location: the same, for messages.
      name: of the data set, as the file's name says it.
      part: train, validation or test; empty where the file's name says none.
    """

    path: Path
    location: str
    name: str
    part: str

    @classmethod
    def of(cls, path: Path, location: str) -> "_File":
        found = _PARTED.fullmatch(path.stem)
        part = parts.part_of(found[2]) if found else None
        return cls(path, location, (found[1] or "") if found and part else path.stem, part or "")

    def read(self, *, needs_classes: bool = True) -> Rows:
        """Returns its series, also those without a class where none is needed."""
        read_rows = ts_file.read if self.path.suffix.lower() == ".ts" else tsv_file.read
        return read_rows(self.path, self.location, needs_classes=needs_classes)


def is_one(path: Path) -> bool:
    """Returns whether a path is a file of series, or a folder that holds some.

    A `.ts` file is one, whatever it holds; a `.tsv` or `.txt` file is one where its first line is a class and numbers.
    """
    if path.is_dir():
        return bool(_in_folder(path, str(path)))
    suffix = path.suffix.lower()
    return path.is_file() and (suffix == ".ts" or (suffix in _SUFFIXES and tsv_file.begins_as_one(path)))


def read(path: Path, location: str, options: SampleOptions, log: Callable[[str], object]) -> Given:
    """Returns the series of a file or of a folder, brought to one length.

    The class names are those of the training series. A file whose name says no part is the training part.

    Args:
      path: for which `is_one` holds.
      location: the same, for messages.
      options: the length; 0 is that of the longest training series.
      log: receives lines about series that are padded or cut, missing values and ignored files.

    Raises:
      UsageError: a file breaks a rule, the parts do not fit together, or there are fewer than two classes.
    """
    files = sorted(_files(path, location, log), key=lambda file: PARTS.index(file.part or TRAIN))
    rows = {file.part or TRAIN: file.read() for file in files}
    if TRAIN not in rows and options.for_training:
        raise UsageError(
            f"{location}: must contain series to train on, as NAME_TRAIN does. Received: only {' and '.join(rows)}"
        )
    training = _first(rows)
    names = class_names(Entry("", label, "") for label in training.labels)
    _check(rows, names, location, fewest=2 if options.for_training else 1)
    length = options.length or one_length.longest(training.series)
    _check_length(rows, length)
    counts = one_length.Counts()
    numbers = {name: number for number, name in enumerate(names)}
    given: dict[str, Pair] = {}
    for part, own in rows.items():
        samples = one_length.brought(own.series, length, counts)
        given[part] = samples, np.array([numbers[label] for label in own.labels], np.int32)
    for line in counts.lines(length):
        log(one_line(f"{location}: {line}"))
    return Given(given, names, rank=1)


def samples(path: Path, location: str, form: Form) -> npt.NDArray[np.float32]:
    """Returns the series of one file in a form, `(count, length, channels)`, whatever their classes, if they have any.

    Raises:
      UsageError: the file breaks a rule, or its series have other channels.
    """
    rows = _File.of(path, location).read(needs_classes=False)
    for index, channels in enumerate(rows.series):
        if len(channels) != form.channels:
            raise UsageError(f"{rows.place(index)}: must have {form.channels} dimensions. Received: {len(channels)}")
    return one_length.brought(rows.series, form.sizes[0], one_length.Counts())


def _files(path: Path, location: str, log: Callable[[str], object]) -> Sequence[_File]:
    """Returns the files to read, of one data set, each of another part."""
    above = location.rstrip("/")
    if path.is_dir():
        files = _in_folder(path, above)
        names = {file.name.casefold() for file in files}
        if len(names) > 1 or len({file.part for file in files}) < len(files):
            raise UsageError(
                f"{location}: must contain one data set, such as NAME_TRAIN.ts and NAME_TEST.ts. "
                f"Received: {', '.join(file.path.name for file in files)}"
            )
        return files
    one = _File.of(path, location)
    beside = [
        file.path.name
        for file in (_in_folder(path.parent, "") if one.part else [])
        if file.part != one.part and (file.name.casefold(), file.path.suffix) == (one.name.casefold(), path.suffix)
    ]
    if beside:
        log(one_line(f"{', '.join(beside)} next to {location} is ignored; set `--data` to their folder to use both"))
    return [one]


def _in_folder(folder: Path, location: str) -> list[_File]:
    """Returns a folder's files of series, of one suffix: those whose names say parts, or else all."""
    found = sorted(file for file in folder.iterdir() if not file.name.startswith("."))
    files = [_File.of(file, f"{location}/{file.name}") for file in found if file.suffix.lower() in _SUFFIXES]
    for suffix in _SUFFIXES:
        own = [file for file in files if file.path.suffix.lower() == suffix and file.path.is_file() and _holds(file)]
        parted = [file for file in own if file.part]
        if parted or (own and suffix != ".txt"):
            return parted or own
    return []


def _holds(file: _File) -> bool:
    """Returns whether a file in a folder holds series; a `.ts` file may also be a video or a program."""
    if file.path.suffix.lower() != ".ts":
        return tsv_file.begins_as_one(file.path)
    if file.part:
        return True
    try:
        with file.path.open("rb") as opened:
            head = opened.read(_HEAD).removeprefix(b"\xef\xbb\xbf").lower()
    except OSError:
        return False
    return head.lstrip().startswith((b"#", b"@")) and (b"@problemname" in head or b"@classlabel" in head)


def _first(rows: Mapping[str, Rows]) -> Rows:
    """Returns the training part; without one, the part that stands for it."""
    return next(iter(rows.values()))


def _check(rows: Mapping[str, Rows], names: Sequence[str], location: str, *, fewest: int) -> None:
    training = _first(rows)
    known, channels = {*names}, len(training.series[0])
    for own in rows.values():
        for index, (label, series) in enumerate(zip(own.labels, own.series, strict=True)):
            if label not in known:
                raise UsageError(
                    f"{own.place(index)}: a class must have a series in the training part. Received: {label}"
                )
            if len(series) != channels:
                raise UsageError(
                    f"{own.place(index)}: must have {channels} dimension{'s' * (channels > 1)}, as "
                    f"{training.place(0)}. Received: {len(series)}"
                )
    if len(names) < fewest:
        raise UsageError(f"{location}: must contain at least two classes. Received: {', '.join(names)}")


def _check_length(rows: Mapping[str, Rows], length: int) -> None:
    """Checks that one long series does not multiply the memory of all others."""
    count = sum(len(own.series) for own in rows.values())
    channels = len(_first(rows).series[0])
    values = sum(len(channel) for own in rows.values() for series in own.series for channel in series)
    if count * length * channels > max(_FEW_VALUES, _MOST_SPARE * values):
        raise UsageError(
            f"`--length` must be smaller, as most series are shorter: {count:,} of them have {values:,} values. "
            f"Received: {length:,}, which makes {count * length * channels:,}"
        )
