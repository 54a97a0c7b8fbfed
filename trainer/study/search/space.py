"""The search space of a study as a unit cube: every parameter is one coordinate between 0 and 1."""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from trainer.errors import UsageError
from trainer.study.spec import LOG, REVERSE_LOG, Parameter, Value

Array = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Axis:
    """One parameter as a coordinate.

    A `double` is a position on its scale. An `integer` has one cell per number, whose width depends on the scale. Cells
    of `discrete` and `categorical` have equal widths, because the user has chosen the steps between the values.

    Attributes:
      parameter: the parameter.
      parent: the index of the axis on which it depends; -1 if it is always active.
      condition: the values of that axis with which it is active.
    """

    parameter: Parameter
    parent: int = -1
    condition: tuple[Value, ...] = ()

    @property
    def listed(self) -> bool:
        """Whether its values are listed one by one."""
        return self.parameter.kind in ("discrete", "categorical")

    def value(self, coordinate: float) -> Value:
        """Returns the value at a coordinate."""
        if self.listed:
            return self.parameter.values[int(self.cells(np.array(coordinate)))]
        number = float(self._number(np.array(coordinate)))
        return round(number) if self.parameter.kind == "integer" else number

    def coordinate(self, value: Value) -> float:
        """Returns the coordinate of a value; if it has a cell, the middle of the cell."""
        if self.listed:
            return (self.parameter.values.index(value) + 0.5) / len(self.parameter.values)
        return float(self._coordinates(np.array(float(value))))

    def cells(self, coordinates: Array) -> Array:
        """Returns the index of the listed value at each coordinate."""
        count = len(self.parameter.values)
        return np.clip(np.floor(coordinates * count), 0, count - 1)

    def snapped(self, coordinates: Array) -> Array:
        """Returns each coordinate moved to that of its value."""
        if self.listed:
            return (self.cells(coordinates) + 0.5) / len(self.parameter.values)
        return self._coordinates(self._number(coordinates)) if self.parameter.kind == "integer" else coordinates

    def exists(self, parents: Array, axis: "Axis") -> npt.NDArray[np.bool_]:
        """Returns for which coordinates of its parent axis the parameter is active."""
        distinct, indices = np.unique(axis.snapped(parents), return_inverse=True)
        return np.array([axis.value(float(one)) in self.condition for one in distinct], bool)[indices]

    def choices(self) -> Sequence[Value]:
        """Returns all values, in order.

        Raises:
          UsageError: the parameter has infinitely many values.
        """
        if self.parameter.kind == "double" and self.parameter.low == self.parameter.high:
            return [self.parameter.low]
        if self.parameter.kind == "double":
            raise UsageError(
                "`algorithm` must not be GRID_SEARCH if a parameter is a double, which has unlimited values. "
                f"Received: {self.parameter.name}"
            )
        return self.parameter.values if self.listed else range(int(self.parameter.low), int(self.parameter.high) + 1)

    def _number(self, coordinates: Array) -> Array:
        low, high = self._ends()
        if self.parameter.scale == LOG:
            numbers = low * (high / low) ** coordinates
        elif self.parameter.scale == REVERSE_LOG:
            numbers = low + high - low * (high / low) ** (1 - coordinates)
        else:
            numbers = low + (high - low) * coordinates
        # Rounding may exceed a limit, as in 0.1 * (0.3 / 0.1).
        return np.clip(np.round(numbers) if self.parameter.kind == "integer" else numbers, *self._range())

    def _coordinates(self, numbers: Array) -> Array:
        low, high = self._ends()
        if low == high:
            return np.full(np.shape(numbers), 0.5)
        if self.parameter.scale == LOG:
            coordinates = np.log(numbers / low) / np.log(high / low)
        elif self.parameter.scale == REVERSE_LOG:
            coordinates = 1 - np.log((low + high - numbers) / low) / np.log(high / low)
        else:
            coordinates = (numbers - low) / (high - low)
        inside: Array = np.clip(coordinates, 0, 1)
        return inside

    def _range(self) -> tuple[float, float]:
        return self.parameter.low, self.parameter.high

    def _ends(self) -> tuple[float, float]:
        half = 0.5 if self.parameter.kind == "integer" else 0.0  # so that the first and last cells are whole
        return self.parameter.low - half, self.parameter.high + half


def count(parameters: Sequence[Parameter]) -> float:
    """Returns the number of combinations of values; infinity if a parameter is a range of doubles."""
    return math.prod(map(_count, parameters))


class Space:
    """All parameters of a study, each after the one on which it depends.

    A point is an array with one coordinate per axis; several points are the rows of a matrix. The coordinate of an
    inactive parameter has no meaning.

    Args:
      parameters: the parameters of the study.
    """

    def __init__(self, parameters: Sequence[Parameter]):
        self.axes = tuple(_axes(parameters))

    def values(self, point: Array) -> dict[str, Value]:
        """Returns the values of the active parameters at a point."""
        exist = self.exist(point[None])[0]
        pairs = zip(self.axes, exist, point, strict=True)
        return {axis.parameter.name: axis.value(float(coordinate)) for axis, exists, coordinate in pairs if exists}

    def point(self, values: Mapping[str, Value]) -> Array:
        """Returns the point with the given values; an inactive parameter is in the middle of its axis."""
        names = [axis.parameter.name for axis in self.axes]
        pairs = zip(names, self.axes, strict=True)
        return np.array([axis.coordinate(values[name]) if name in values else 0.5 for name, axis in pairs])

    def exist(self, points: Array) -> npt.NDArray[np.bool_]:
        """Returns which parameters are active at each point, `(points, axes)`."""
        exist = np.ones(points.shape, bool)
        for index, axis in enumerate(self.axes):
            if axis.parent >= 0:
                there = axis.exists(points[:, axis.parent], self.axes[axis.parent])
                exist[:, index] = exist[:, axis.parent] & there
        return exist

    def snapped(self, points: Array) -> Array:
        """Returns points in a unique form: coordinates in the middle of their cells, or of the axis if inactive."""
        columns = [axis.snapped(column) for axis, column in zip(self.axes, points.T, strict=True)]
        return np.where(self.exist(points), np.stack(columns, axis=1), 0.5)

    def combinations(self) -> Iterator[dict[str, Value]]:
        """Yields every point of the grid once, the last parameter changing fastest.

        Raises:
          UsageError: a parameter has infinitely many values.
        """
        for axis in self.axes:
            axis.choices()
        return self._combinations({})

    def _combinations(self, chosen: dict[int, Value], index: int = 0) -> Iterator[dict[str, Value]]:
        if index == len(self.axes):
            yield {self.axes[at].parameter.name: value for at, value in chosen.items()}
            return
        axis = self.axes[index]
        if axis.parent >= 0 and chosen.get(axis.parent) not in axis.condition:
            yield from self._combinations(chosen, index + 1)
            return
        for value in axis.choices():
            yield from self._combinations({**chosen, index: value}, index + 1)


def _count(parameter: Parameter) -> float:
    """Returns the number of combinations of a parameter's values and those of the parameters that depend on it."""
    if parameter.kind == "double" and parameter.low < parameter.high:
        return math.inf
    values = Axis(parameter).choices()
    deciding = {value for condition, _ in parameter.children for value in condition if value in values}
    return len(values) - len(deciding) + sum(count(_active(parameter, value)) for value in deciding)


def _active(parameter: Parameter, value: Value) -> list[Parameter]:
    return [child for condition, child in parameter.children if value in condition]


def _axes(parameters: Sequence[Parameter]) -> list[Axis]:
    axes: list[Axis] = []

    def add(parameter: Parameter, parent: int, condition: tuple[Value, ...]) -> None:
        index = len(axes)
        axes.append(Axis(parameter, parent, condition))
        for values, child in parameter.children:
            add(child, index, values)

    for parameter in parameters:
        add(parameter, -1, ())
    return axes
