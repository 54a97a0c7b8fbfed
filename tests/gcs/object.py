"""One object, and how it is named where it is read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.gcs.conditions import Conditions
from tests.gcs.content import Content

NO_CONDITIONS = Conditions()


@dataclass(frozen=True)
class Object:
    """One generation of an object; times in seconds since the epoch."""

    bucket: str
    name: str
    content: Content
    settings: Mapping[str, Any]
    generation: int
    metageneration: int
    created: float
    updated: float


@dataclass(frozen=True)
class Source:
    """What a compose or a copy reads: an object, and optionally the one generation that is meant."""

    name: str
    generation: int | None = None
    conditions: Conditions = NO_CONDITIONS
