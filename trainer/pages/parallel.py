"""Parallel coordinates as inline SVG: an axis for each parameter and one for the result, a line for each trial."""

import dataclasses
import math
from collections.abc import Sequence

from trainer.pages.html import Html, element, scrolled, text

_HEIGHT, _TOP, _BOTTOM = 300, 40, 24
_STEP, _SIDE = 110, 56  # between axes, and beside the first and the last
_MOST_NAME = 16  # characters above an axis

Value = float | str


@dataclasses.dataclass(frozen=True)
class Axis:
    """An axis.

    Attributes:
      title: above it.
      marks: the values that are written beside it, the lowest first.
      labels: of the marks.
      is_log: whether equal distances are equal factors.
    """

    title: str
    marks: Sequence[Value]
    labels: Sequence[str]
    is_log: bool = False

    def share(self, value: Value) -> float:
        """Returns the position of a value from 0, at the bottom, to 1."""
        if isinstance(value, str) or isinstance(self.marks[0], str):
            return self.marks.index(value) / max(1, len(self.marks) - 1) if value in self.marks else 0.5
        low, high, at = float(self.marks[0]), float(self.marks[-1]), float(value)
        if self.is_log:
            low, high, at = math.log(low), math.log(high), math.log(at)
        return min(1.0, max(0.0, (at - low) / (high - low))) if high > low else 0.5


@dataclasses.dataclass(frozen=True)
class Path:
    """The line of one trial.

    Attributes:
      label: shown when a pointer is on it.
      values: one for each axis; None where the trial has none.
      style: a class: best, or other.
    """

    label: str
    values: Sequence[Value | None]
    style: str


def parallel(title: str, axes: Sequence[Axis], paths: Sequence[Path]) -> Html:
    """Returns a figure.

    Args:
      title: its caption.
      axes: at least one.
      paths: drawn in this order.
    """
    width = 2 * _SIDE + _STEP * (len(axes) - 1)
    lines = [_drawn(path, axes) for path in paths]
    marks = [part for index, axis in enumerate(axes) for part in _axis(axis, _SIDE + index * _STEP)]
    names = ", ".join(axis.title for axis in axes)
    drawn = element(
        "svg",
        {
            "viewBox": f"0 0 {width} {_HEIGHT}",
            "style": f"min-width: {width}px; max-width: {1.4 * width:g}px",
            "role": "img",
            "aria-label": f"{title}: {names}. The table of trials has the same numbers.",
        },
        *lines,
        *marks,
    )
    caption = element("figcaption", None, text(title))
    return element("figure", {"class": "chart"}, caption, scrolled(title, drawn))


def _height(share: float) -> float:
    return round(_HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM), 1)


def _drawn(path: Path, axes: Sequence[Axis]) -> Html:
    places = [
        f"{_SIDE + index * _STEP},{_height(axis.share(value)):g}"
        for index, (axis, value) in enumerate(zip(axes, path.values, strict=True))
        if value is not None
    ]
    title = element("title", None, text(path.label))
    return element("polyline", {"class": f"line {path.style}", "points": " ".join(places)}, title)


def _axis(axis: Axis, x: float) -> list[Html]:
    short = axis.title if len(axis.title) <= _MOST_NAME else f"{axis.title[: _MOST_NAME - 1]}…"
    parts = [
        element("line", {"class": "axis", "x1": x, "x2": x, "y1": _height(0), "y2": _height(1)}),
        element("text", {"x": x, "y": 16, "text-anchor": "middle", "class": "strong"}, text(short)),
    ]
    for value, label in zip(axis.marks, axis.labels, strict=True):
        y = _height(axis.share(value))
        parts.append(element("text", {"x": x + 5, "y": y + 4, "class": "halo"}, text(label)))
    return parts
