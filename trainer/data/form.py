"""What one sample is: its spatial sizes, its channels and the range of its values."""

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Form:
    """What every sample of a data set is, whatever its rank.

    Attributes:
      sizes: of the spatial axes: `(length,)` of a signal, `(height, width)` of an image, `(depth, height, width)` of a
        volume.
      channels: values at each position.
      low: the least value that a sample can have.
      high: the greatest.
    """

    sizes: tuple[int, ...]
    channels: int
    low: float = 0.0
    high: float = 255.0

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Form":
        """Returns the form that `to_json` described.

        Raises:
          KeyError, TypeError, ValueError: it describes none.
        """
        sizes = tuple(int(size) for size in value["sizes"])
        return cls(sizes, int(value["channels"]), float(value["low"]), float(value["high"]))

    @property
    def rank(self) -> int:
        """The number of spatial axes."""
        return len(self.sizes)

    @property
    def shape(self) -> tuple[int, ...]:
        """`(*sizes, channels)`."""
        return (*self.sizes, self.channels)

    def to_json(self) -> dict[str, Any]:
        """Returns the form as JSON's own kinds."""
        return {"sizes": list(self.sizes), "channels": self.channels, "low": self.low, "high": self.high}

    def __str__(self) -> str:
        return "x".join(map(str, self.sizes))
