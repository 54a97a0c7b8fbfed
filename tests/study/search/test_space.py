import math

import numpy as np
import pytest

from trainer.errors import UsageError
from trainer.study.search.space import Axis, Space, count
from trainer.study.spec import LINEAR, LOG, REVERSE_LOG, Parameter

FILTERS = Parameter(name="filters", kind="discrete", values=(16.0, 32.0, 64.0), scale=LOG)
PADDING = Parameter(name="padding", kind="categorical", values=("same", "valid"))
DILATION = Parameter(name="dilation_rate", kind="integer", low=1, high=3)
STRIDE = Parameter(name="stride", kind="integer", low=1, high=2, children=(((1,), DILATION),))
RATE = Parameter(name="learning_rate", kind="double", low=1e-4, high=1e-2, scale=LOG)


@pytest.mark.parametrize(
    ("scale", "middle"),
    [(LINEAR, 0.5005), (LOG, math.sqrt(0.001)), (REVERSE_LOG, 1.001 - math.sqrt(0.001))],
)
def test_a_double_is_spread_along_its_scale(scale: str, middle: float) -> None:
    axis = Axis(Parameter(name="x", kind="double", low=0.001, high=1.0, scale=scale))
    assert axis.value(0.5) == pytest.approx(middle)
    assert (axis.value(0.0), axis.value(1.0)) == (pytest.approx(0.001), pytest.approx(1.0))


@pytest.mark.parametrize("scale", [LINEAR, LOG, REVERSE_LOG])
@pytest.mark.parametrize("kind", ["double", "integer"])
def test_numbers_stay_within_their_ends_and_return(kind: str, scale: str) -> None:
    axis = Axis(Parameter(name="x", kind=kind, low=1, high=30, scale=scale))
    for coordinate in np.linspace(0, 1, 501):
        value = axis.value(float(coordinate))
        assert 1 <= value <= 30
        assert isinstance(value, int if kind == "integer" else float)
        assert axis.value(axis.coordinate(value)) == pytest.approx(value)
    if kind == "integer":
        assert [axis.value(axis.coordinate(value)) for value in range(1, 31)] == list(range(1, 31))


def test_listed_values_have_cells_of_one_width() -> None:
    axis = Axis(FILTERS)
    values = [axis.value(float(coordinate)) for coordinate in np.linspace(0, 1, 300)]
    assert [values.count(value) for value in FILTERS.values] == [100, 100, 100]
    assert all(isinstance(value, float) for value in values)


def test_a_range_of_one_value_is_no_matter() -> None:
    for kind in ("double", "integer"):
        axis = Axis(Parameter(name="x", kind=kind, low=3, high=3))
        assert [axis.value(coordinate) for coordinate in (0.0, axis.coordinate(3), 1.0)] == [3, 3, 3]


def test_a_conditional_parameter_exists_where_its_parent_says() -> None:
    space = Space((STRIDE, PADDING))
    assert space.values(np.array([0.2, 0.9, 0.1])) == {"stride": 1, "dilation_rate": 3, "padding": "same"}
    assert space.values(np.array([0.8, 0.9, 0.1])) == {"stride": 2, "padding": "same"}


def test_a_grandchild_does_not_exist_without_its_parent() -> None:
    child = Parameter(name="b", kind="categorical", values=("x", "y"), children=((("x",), DILATION),))
    space = Space((Parameter(name="a", kind="categorical", values=("x", "y"), children=((("y",), child),)),))
    assert set(space.values(np.array([0.1, 0.1, 0.5]))) == {"a"}
    assert set(space.values(np.array([0.9, 0.1, 0.5]))) == {"a", "b", "dilation_rate"}


def test_points_return_from_their_values() -> None:
    space = Space((FILTERS, STRIDE, PADDING, RATE))
    for point in np.random.default_rng(0).random((50, len(space.axes))):
        values = space.values(point)
        assert space.values(space.point(values)) == pytest.approx(values)


def test_snapped_points_are_equal_where_their_values_are() -> None:
    space = Space((STRIDE, PADDING))
    points = np.array([[0.8, 0.1, 0.3], [0.9, 0.9, 0.2], [0.2, 0.1, 0.3], [0.2, 0.9, 0.3]])
    snapped = space.snapped(points)
    assert np.array_equal(snapped[0], snapped[1])
    assert not np.array_equal(snapped[2], snapped[3])


def test_combinations_are_all_and_in_order() -> None:
    assert list(Space((STRIDE, PADDING)).combinations()) == [
        {"stride": 1, "dilation_rate": 1, "padding": "same"},
        {"stride": 1, "dilation_rate": 1, "padding": "valid"},
        {"stride": 1, "dilation_rate": 2, "padding": "same"},
        {"stride": 1, "dilation_rate": 2, "padding": "valid"},
        {"stride": 1, "dilation_rate": 3, "padding": "same"},
        {"stride": 1, "dilation_rate": 3, "padding": "valid"},
        {"stride": 2, "padding": "same"},
        {"stride": 2, "padding": "valid"},
    ]


CHILDREN = (((1, 3), DILATION), ((3, 9), PADDING))
GRANDPARENT = Parameter(name="a", kind="categorical", values=("x", "y", "z"), children=((("x", "z"), STRIDE),))


@pytest.mark.parametrize(
    "parameters",
    [
        (),
        (PADDING,),
        (STRIDE, PADDING),
        (GRANDPARENT, FILTERS),
        (Parameter(name="depth", kind="integer", low=1, high=5, children=CHILDREN), FILTERS),
        (Parameter(name="dropout", kind="double", low=0.5, high=0.5), PADDING),
    ],
)
def test_combinations_are_counted(parameters: tuple[Parameter, ...]) -> None:
    assert count(parameters) == len(list(Space(parameters).combinations()))


def test_many_combinations_are_counted_at_once() -> None:
    wide = Parameter(name="seed", kind="integer", low=0, high=2**31 - 1, children=(((0,), PADDING),))
    assert count((wide, PADDING)) == (2**31 + 1) * 2
    assert count((PADDING, RATE)) == math.inf


def test_rejects_a_grid_without_end() -> None:
    with pytest.raises(UsageError, match=r"`algorithm` must not be GRID_SEARCH .* Received: learning_rate"):
        Space((PADDING, RATE)).combinations()
