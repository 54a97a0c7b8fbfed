"""Columns and fields that must not be ignored: a second label, or the parts under another name."""

import re
from collections import defaultdict
from collections.abc import Callable

from trainer.data.lists import parts
from trainer.data.lists.entries import TRAIN
from trainer.data.lists.fields import may_be_label
from trainer.data.lists.text import normal
from trainer.errors import UsageError, one_line

_MOST = 20  # different values of a column that says parts
_FLAGS = {"", "0", "1", "true", "false", "yes", "no", "t", "f", "y", "n", "0.0", "1.0", "x"}
_GROUPS = re.compile(r"(.*[\W_])?(k?_?folds?|groups?)([\W_].*)?", re.IGNORECASE)  # of a cross-validation


class PassedOver:
    """The columns of a list that are neither image, nor label, nor part.

    Args:
      location: the list, for messages.
      kind: column, field or feature, for messages.
    """

    def __init__(self, location: str, kind: str):
        self._location, self._kind = location, kind
        self._values: dict[str, set[str]] = defaultdict(set)
        self._of_label: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)  # by name and label: value and line
        self._of_value: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)
        self._differ: dict[str, str] = {}  # what shows that a column is another label

    def add(self, name: str, value: str, label: str, where: str) -> None:
        """Adds the value of one line.

        Args:
          name: of the column.
          value: in this line.
          label: of the line.
          where: the line, for messages.
        """
        values = self._values[name]
        if len(values) <= _MOST:
            values.add(value)
        if may_be_label(name) and name not in self._differ:
            value = normal(value)
            other, line = self._of_label[name].setdefault(label, (value, where))
            another, earlier = self._of_value[name].setdefault(value, (label, where))
            if other != value:
                self._differ[name] = f"{_shown(label)} has {_shown(value)} in {where} and {_shown(other)} in {line}"
            elif another != label:
                self._differ[name] = (
                    f"{_shown(value)} has {_shown(label)} in {where} and {_shown(another)} in {earlier}"
                )

    def check(self, has_parts: bool, log: Callable[[str], object]) -> None:
        """Checks that no other column is a label or gives the parts: either would be ignored.

        Args:
          has_parts: whether a column or a file's name gives the parts.
          log: receives a line about a column that repeats the label, or that looks as if it were used.

        Raises:
          UsageError: a column is a label or gives the parts.
        """
        for name, values in self._values.items():
            shown = one_line(name) or f"a {self._kind} without a name"
            is_empty = not any(map(normal, values))
            if name in self._differ and not is_empty:
                raise UsageError(
                    f"{self._location}: must have one {self._kind} `label`. Received: also {shown}, which does not "
                    f"rename each class: {self._differ[name]}; if {shown} is not a label, rename it, as to note"
                )
            if may_be_label(name) and not is_empty:
                log(f"{self._location}: {shown} is another name of `label` and is ignored")
            elif not has_parts and self._says_parts(name, values):
                raise UsageError(
                    f"{self._location}: the {self._kind} of the parts must be named `split`. Received: {shown}"
                )
            elif not has_parts and len(values) > 1 and (_GROUPS.fullmatch(name) or self._has_part(values)):
                log(f"{self._location}: {shown} is ignored; only a {self._kind} `split` gives the parts")

    @staticmethod
    def _says_parts(name: str, values: set[str]) -> bool:
        if len(values) > _MOST:
            return False
        words = {value: parts.words_of(value) for value in values}
        said = {part for some in words.values() for part in some}
        is_part = all(parts.part_of(value) for value in values if value.strip())
        is_flag = {value.strip().lower() for value in values} <= _FLAGS and len(values) > 1
        return (len(said) > 1 and (TRAIN in said or is_part)) or (is_flag and bool(parts.words_of(name)))

    @staticmethod
    def _has_part(values: set[str]) -> bool:
        return len(values) <= _MOST and all(parts.part_of(value) is not None for value in values)


def _shown(value: str) -> str:
    return one_line(value[:60]) if value else "nothing"
