"""A part of a document that may have errors: a missing value, or one of a wrong type, reads as empty."""

import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import Any

from trainer.study.config.messages import FieldPath, Problem, as_number


@dataclasses.dataclass(frozen=True)
class View:
    """A value in a JSON document.

    Attributes:
      value: the value; None if it is missing.
      path: the path of the value, from the document's root.
    """

    value: Any
    path: FieldPath = ()

    def __getitem__(self, name: str) -> "View":
        return View(self.value.get(name) if isinstance(self.value, Mapping) else None, (*self.path, name))

    def __iter__(self) -> Iterator["View"]:
        """Yields the items of a list."""
        for index, item in enumerate(self.value if isinstance(self.value, list) else ()):
            yield View(item, (*self.path, index))

    @property
    def is_given(self) -> bool:
        """Whether the value is there."""
        return self.value is not None

    @property
    def names(self) -> list[str]:
        """The keys of a mapping."""
        return list(self.value) if isinstance(self.value, Mapping) else []

    @property
    def text(self) -> str:
        """The value, if it is text."""
        return self.value if isinstance(self.value, str) else ""

    @property
    def number(self) -> float | int | None:
        """The value, if it is a finite number."""
        number = as_number(self.value)
        return number if number is not None and math.isfinite(number) else None

    def problem(self, rule: str, received: str = "") -> Problem:
        """Returns the problem that the value breaks a rule."""
        return Problem(self.path, rule, received)

    def required(self, rule: str = "must be given") -> Iterator[Problem]:
        """Yields a problem if the value is missing, or is an empty text, list or mapping."""
        if self.value is None or self.value in ("", [], {}):
            yield self.problem(rule)
