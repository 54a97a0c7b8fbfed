"""The `.ts` files of the UCR/UEA archive: directives, then a series a line, its dimensions and its class.

Source: A. Bagnall et al., "The UEA multivariate time series classification archive, 2018", and the format's description
at timeseriesclassification.com.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from trainer.data.lists import numbers
from trainer.data.lists.series_rows import Channels, Rows, as_float32, class_of, lines_of
from trainer.data.lists.text import normal
from trainer.errors import UsageError

_LONGEST = 100  # characters that a message repeats
_SHOWN = 10  # classes in a message


@dataclasses.dataclass(frozen=True)
class _Header:
    """The header before the series.

    Attributes:
      end: the index of the first line after `@data`.
      classes: those that `@classLabel` lists; empty where it lists none.
      dimensions: of each series; 0 where the first series says it.
      has_labels: whether a class, or a number, is behind the last colon of each line.
    """

    end: int
    classes: Sequence[str]
    dimensions: int
    has_labels: bool


def read(path: Path, location: str, *, needs_classes: bool = True) -> Rows:
    """Returns the series of a `.ts` file.

    Args:
      path: the file.
      location: the same, for messages.
      needs_classes: whether each series must have a class; otherwise classes are not looked at, and are empty.

    Raises:
      UsageError: it is no such file, its series have time stamps or no classes, or a line breaks a rule.
    """
    lines = lines_of(path, location)
    header = _read_header(lines, location, needs_classes)
    names = _Names(header.classes)
    labels: list[str] = []
    series: list[Channels] = []
    numbered: list[int] = []
    dimensions = header.dimensions
    for index in range(header.end, len(lines)):
        line = lines[index].strip()
        if not line or line.startswith(b"#"):
            continue
        place = f"{location}, line {index + 1}"
        if not header.has_labels and not line.endswith(b":"):
            line += b":"  # each dimension has a colon behind it, also where no class follows
        dimensions = dimensions or max(line.count(b":"), 1)
        _check_colons(line, dimensions, place, header.has_labels)
        body, _, label = line.rpartition(b":")
        labels.append(names.of(label, place) if needs_classes else "")
        series.append(_channels(body, dimensions, place))
        numbered.append(index + 1)
    if not series:
        raise UsageError(f"{location}: must have a series in a line after @data. Received: none")
    return Rows(location, labels, series, numbered)


def _check_colons(line: bytes, dimensions: int, place: str, has_labels: bool) -> None:
    found = line.count(b":")
    if found == dimensions:
        return
    if line.startswith(b"("):
        raise UsageError(f"{place}: must have values without time stamps. Received: {_shown(line)}")
    wanted = f"{dimensions} dimension{'s' * (dimensions > 1)}"
    if not has_labels:
        raise UsageError(f"{place}: must have {wanted}, separated by colons. Received: {found} dimensions")
    raise UsageError(
        f"{place}: must have {wanted} and a class, with a colon after each dimension. "
        f"Received: {found} colon{'s' * (found != 1)}"
    )


def _channels(body: bytes, dimensions: int, place: str) -> Channels:
    bodies = body.split(b":")
    counts = {one.count(b",") for one in bodies}
    try:
        if len(counts) == 1 and all(bodies):
            values = as_float32(numbers.parse(body.replace(b":", b","), b","), place)
            return values.reshape(dimensions, -1)
        return [as_float32(numbers.parse(one, b",") if one.strip() else numbers.NONE, place) for one in bodies]
    except ValueError as error:
        if isinstance(error, UsageError):
            raise
        stamped = " without a time stamp" if b"(" in body else ""
        raise UsageError(
            f"{place}: a value must be a finite number{stamped}, or ? where it is missing. Received: {error}"
        ) from None


class _Names:
    """The classes that series may have.

    Args:
      listed: their names; any, where none are listed.
    """

    def __init__(self, listed: Sequence[str]):
        self._listed = listed
        self._folded = {name.casefold(): name for name in listed} if _differ_folded(listed) else {}
        self._known: dict[bytes, str] = {}

    def of(self, written: bytes, place: str) -> str:
        """Returns the class that a line names, in another case than it is listed or not.

        Raises:
          UsageError: it is not listed, or nothing is written.
        """
        if written in self._known:
            return self._known[written]
        name = class_of(written, place)
        if self._listed and name not in self._listed:
            if name.casefold() not in self._folded:
                more = ", …" if len(self._listed) > _SHOWN else ""
                raise UsageError(
                    f"{place}: a class must be one that @classLabel lists, {', '.join(self._listed[:_SHOWN])}{more}. "
                    f"Received: {name}"
                )
            name = self._folded[name.casefold()]
        self._known[written] = name
        return name


def _differ_folded(names: Sequence[str]) -> bool:
    return len({name.casefold() for name in names}) == len({*names})


def _read_header(lines: Sequence[bytes], location: str, needs_classes: bool) -> _Header:
    found: dict[str, tuple[str, int]] = {}
    for index, raw in enumerate(lines):
        line = raw.strip()
        if not line or line.startswith((b"#", b"%")):
            continue
        if not line.startswith(b"@"):
            raise UsageError(
                f"{location}, line {index + 1}: must be a directive, such as @classLabel, or a comment, before "
                f"@data. Received: {_shown(line)}"
            )
        word, *value = line.decode("utf-8", "surrogateescape").split(None, 1)
        name = word[1:].lower()
        if name == "data":
            return _checked(found, location, index, needs_classes)
        found[name.removesuffix("s")] = " ".join(value), index + 1
    raise UsageError(f"{location}: must have a line @data, and a series in each line after it. Received: none")


def _checked(found: Mapping[str, tuple[str, int]], location: str, data: int, needs_classes: bool) -> _Header:
    """Returns a header that can be read, from its directives' values and lines."""
    none = ("", data + 1)
    stamped, line = found.get("timestamp", none)
    if stamped.lower() == "true":
        raise UsageError(
            f"{location}, line {line}: @timeStamps must be false, as series with time stamps are not read. "
            "Received: true"
        )
    target, line = found.get("targetlabel", none)
    has_target = target.lower().startswith("true")
    if has_target and needs_classes:
        raise UsageError(
            f"{location}, line {line}: must have classes, which @classLabel lists. Received: @targetLabel, for numbers"
        )
    listed, line = found.get("classlabel", none)
    word, *names = listed.split() or ["true"]
    has_classes = word.lower() == "true"
    if not has_classes and needs_classes:
        raise UsageError(f"{location}, line {line}: @classLabel must be true and list the classes. Received: {listed}")
    classes = [normal(name) for name in names]
    return _Header(data + 1, classes, _dimensions(found, location), has_classes or has_target)


def _dimensions(found: Mapping[str, tuple[str, int]], location: str) -> int:
    if "dimension" not in found:
        return 1 if found.get("univariate", ("", 0))[0].lower() == "true" else 0
    value, line = found["dimension"]
    if not (value.isascii() and value.isdecimal() and 0 < len(value) < 7 and int(value)):
        raise UsageError(
            f"{location}, line {line}: @dimensions must be a whole number from 1. Received: {value or 'nothing'}"
        )
    return int(value)


def _shown(line: bytes) -> str:
    return line[:_LONGEST].decode("utf-8", "backslashreplace")
