"""The form of a sample: its spatial sizes, its channels, the range of its values and the scale of its axes."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Form:
    """The form of every sample of a data set, of any rank.

    Attributes:
      sizes: the sizes of the spatial axes: `(length,)` for a signal, `(height, width)` for an image, and
        `(depth, height, width)` for a volume.
      channels: the number of values at each position.
      low: the least possible value; minus infinity if there is none.
      high: the greatest possible value, or infinity.
      centre: the mean of each channel over the training samples; empty if values are scaled by `low` and `high`.
      spread: the standard deviation of each channel, above 0; empty if `centre` is.
      spacing: the distance between neighbouring positions along each axis; empty if unknown.
      unit: the unit of the spacing: s or mm.
    """

    sizes: tuple[int, ...]
    channels: int
    low: float = 0.0
    high: float = 255.0
    centre: tuple[float, ...] = ()
    spread: tuple[float, ...] = ()
    spacing: tuple[float, ...] = ()
    unit: str = ""

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Form":
        """Returns the form that `to_json` described.

        Raises:
          KeyError, TypeError, ValueError: the mapping does not describe a form.
        """
        low, high = value["low"], value["high"]
        centre, spread, spacing = (
            tuple(float(one) for one in value.get(name, ())) for name in ("centre", "spread", "spacing")
        )
        return cls(
            tuple(int(size) for size in value["sizes"]),
            int(value["channels"]),
            -math.inf if low is None else float(low),
            math.inf if high is None else float(high),
            centre,
            spread,
            spacing,
            str(value.get("unit", "")),
        )

    @property
    def rank(self) -> int:
        """The number of spatial axes."""
        return len(self.sizes)

    @property
    def shape(self) -> tuple[int, ...]:
        """`(*sizes, channels)`."""
        return (*self.sizes, self.channels)

    @property
    def is_bounded(self) -> bool:
        """Whether values have a lower and an upper bound."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    def to_json(self) -> dict[str, Any]:
        """Returns the form as JSON types; an infinite bound is null."""
        content: dict[str, Any] = {
            "sizes": list(self.sizes),
            "channels": self.channels,
            "low": self.low if math.isfinite(self.low) else None,
            "high": self.high if math.isfinite(self.high) else None,
        }
        given = {name: list(getattr(self, name)) for name in ("centre", "spread", "spacing")}
        return (
            content
            | {name: values for name, values in given.items() if values}
            | ({"unit": self.unit} if self.unit else {})
        )

    def __str__(self) -> str:
        return "x".join(map(str, self.sizes))
