"""Line charts as inline SVG, crisp at any size; colours and dashes are classes of the page's style."""

import dataclasses
import math
from collections.abc import Sequence

from trainer.pages.html import EMPTY, Html, element, joined, text
from trainer.tensorboard.draw import scale

WIDTH, HEIGHT = 400, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 12, 12, 34  # margins
_MOST = 300  # points of a line
_TICKS = 6

Point = tuple[float, float]


@dataclasses.dataclass(frozen=True)
class Line:
    """A line of a chart.

    Attributes:
      label: in the legend; a line without one is not in it.
      style: its class, which gives it colour and dashes.
      points: pairs of numbers; those that are not finite are left out.
    """

    label: str
    style: str
    points: Sequence[Point]


def chart(title: str, x_title: str, lines: Sequence[Line], description: str = "") -> Html:
    """Returns a figure with a chart and its legend; nothing if no line has a point.

    Args:
      title: the figure's caption.
      x_title: of the horizontal axis.
      lines: drawn in this order.
      description: what the chart shows, for those who do not see it.
    """
    shown = [dataclasses.replace(line, points=_finite(line.points)) for line in lines]
    shown = [line for line in shown if line.points]
    if not shown:
        return EMPTY
    frame = _Frame.around([point for line in shown for point in line.points])
    parts = [*frame.axes(x_title), *(_drawn(line, frame) for line in shown)]
    picture = element(
        "svg",
        {"viewBox": f"0 0 {WIDTH} {HEIGHT}", "role": "img", "aria-label": f"{title}. {description}".strip()},
        *parts,
    )
    legend = joined([_key(line) for line in shown if line.label], " ")
    return element("figure", {"class": "chart"}, element("figcaption", None, text(title), Html(" "), legend), picture)


@dataclasses.dataclass(frozen=True)
class _Frame:
    """The range of values that a chart shows, and their positions."""

    left: float
    right: float
    low: float
    high: float

    @classmethod
    def around(cls, points: Sequence[Point]) -> "_Frame":
        xs, ys = [x for x, _ in points], [y for _, y in points]
        low, high = min(ys), max(ys)
        margin = 0.04 * (high - low) or 0.5 * abs(high) or 0.5
        left, right = min(xs), max(xs)
        return cls(left, right if right > left else left + 1, low - margin, high + margin)

    def place(self, point: Point) -> Point:
        x = _LEFT + (WIDTH - _LEFT - _RIGHT) * (point[0] - self.left) / (self.right - self.left)
        y = HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * (point[1] - self.low) / (self.high - self.low)
        return round(x, 1), round(y, 1)

    def axes(self, x_title: str) -> list[Html]:
        """Returns the grid with its numbers, and the title of the horizontal axis."""
        found = []
        marks = scale.ticks(self.low, self.high, _TICKS)
        for value, label in zip(marks, scale.labels(marks), strict=True):
            _, y = self.place((self.left, value))
            found.append(_segment("grid", (_LEFT, y), (WIDTH - _RIGHT, y)))
            found.append(_label((_LEFT - 6, y + 4), "end", label))
        steps = [value for value in scale.ticks(self.left, self.right, _TICKS) if value == round(value)]
        for value, label in zip(steps, scale.labels(steps), strict=True):
            x, _ = self.place((value, self.low))
            found.append(_segment("tick", (x, HEIGHT - _BOTTOM), (x, HEIGHT - _BOTTOM + 4)))
            found.append(_label((x, HEIGHT - _BOTTOM + 16), "middle", label))
        found.append(_segment("axis", (_LEFT, HEIGHT - _BOTTOM), (WIDTH - _RIGHT, HEIGHT - _BOTTOM)))
        return [*found, _label(((WIDTH + _LEFT) / 2, HEIGHT - 3), "middle", x_title)]


def _drawn(line: Line, frame: _Frame) -> Html:
    places = [frame.place(point) for point in _thinned(line.points)]
    if len(places) == 1:
        return element("circle", {"class": f"dot {line.style}", "cx": places[0][0], "cy": places[0][1], "r": 3})
    joints = " ".join(f"{x:g},{y:g}" for x, y in places)
    title = element("title", None, text(line.label)) if line.label else EMPTY
    return element("polyline", {"class": f"line {line.style}", "points": joints}, title)


def _key(line: Line) -> Html:
    """Returns an entry of the legend."""
    sample = element("svg", {"class": "key", "viewBox": "0 0 24 8", "aria-hidden": "true"}, _stroke(line.style))
    return element("span", {"class": "entry"}, sample, text(line.label))


def _stroke(style: str) -> Html:
    return element("polyline", {"class": f"line {style}", "points": "0,4 24,4"})


def _segment(style: str, start: Point, end: Point) -> Html:
    return element("line", {"class": style, "x1": start[0], "y1": start[1], "x2": end[0], "y2": end[1]})


def _label(place: Point, anchor: str, value: str) -> Html:
    return element("text", {"x": place[0], "y": place[1], "text-anchor": anchor}, text(value))


def _finite(points: Sequence[Point]) -> list[Point]:
    return [point for point in points if all(map(math.isfinite, point))]


def _thinned(points: Sequence[Point]) -> Sequence[Point]:
    """Returns at most so many points, evenly chosen, the last one among them."""
    step = -(-len(points) // _MOST)
    return points if step == 1 else [*points[:-1:step], points[-1]]
