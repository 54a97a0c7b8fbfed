"""Preconditions of a request: which generation, or that there is none."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from tests.gcs import refusals
from tests.gcs.refusals import Refused


class Versioned(Protocol):
    """What preconditions look at."""

    @property
    def generation(self) -> int: ...

    @property
    def metageneration(self) -> int: ...


@dataclass(frozen=True)
class Conditions:
    """The four preconditions; None is one that was not given, generation 0 an object that does not exist."""

    generation: int | None = None
    not_generation: int | None = None
    metageneration: int | None = None
    not_metageneration: int | None = None

    @classmethod
    def of(cls, query: Mapping[str, object], prefix: str = "if") -> "Conditions":
        """Returns the preconditions among a request's parameters; `prefix` is ifSource for a copy's source."""
        return cls(
            whole_number(query, f"{prefix}GenerationMatch"),
            whole_number(query, f"{prefix}GenerationNotMatch"),
            whole_number(query, f"{prefix}MetagenerationMatch"),
            whole_number(query, f"{prefix}MetagenerationNotMatch"),
        )

    def check(self, now: Versioned | None, *, reading: bool = False) -> None:
        """Raises `Refused` unless they hold for what is there now.

        A read of what has not changed is answered 304, as RFC 9110 has it; a write 412.
        """
        generation, metageneration = (now.generation, now.metageneration) if now else (0, 0)
        if self.generation not in (None, generation) or self.metageneration not in (None, metageneration):
            raise refusals.precondition()
        if self.not_generation == generation or self.not_metageneration == metageneration:
            raise Refused(304, "Not Modified") if reading else refusals.precondition()


def whole_number(query: Mapping[str, object], key: str) -> int | None:
    """Returns a parameter as a number; None where it is not given."""
    text = query.get(key)
    if text is None:
        return None
    if not str(text).isdecimal():
        raise Refused(400, f"Invalid value for parameter {key}: {text}", "invalidParameter")
    return int(str(text))
