"""The integers of padding: names, pairs, sizes, and every refusal."""

import itertools
from typing import Any

import pytest

from tests.layers import oracle
from trainer.layers import padding
from trainer.layers.padding import Geometry


@pytest.mark.parametrize(
    ("given", "rank", "pairs"),
    [
        (0, 2, ((0, 0), (0, 0))),
        (2, 1, ((2, 2),)),
        (2, 3, ((2, 2), (2, 2), (2, 2))),
        ([1, 2], 2, ((1, 1), (2, 2))),
        ([(1, 2)], 1, ((1, 2),)),
        (((1, 2), (0, 3)), 2, ((1, 2), (0, 3))),
        ((4, (0, 3)), 2, ((4, 4), (0, 3))),
    ],
)
def test_integers_and_pairs(given: Any, rank: int, pairs: Any) -> None:
    assert padding.canonical(given, rank) == pairs
    assert padding.canonical(pairs, rank) == pairs


def test_a_name_in_any_case() -> None:
    assert padding.canonical("SAME", 2) == "same"


RULE = "`padding` must be one of causal, same, valid, an integer, one per axis, or (before, after) pairs. Received: "


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ("smae", ValueError),
        (-1, ValueError),
        ((1, 2, 3), ValueError),
        ((1, 2), ValueError),
        (((1, 2, 3),), ValueError),
        (((0, -1),), ValueError),
        (1.0, TypeError),
        (True, TypeError),
        (None, TypeError),
        (("1",), TypeError),
        (((0, "a"),), TypeError),
    ],
)
def test_rejects_padding(given: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind) as caught:
        padding.canonical(given, 1)
    assert str(caught.value) == f"{RULE}padding={given!r}"


@pytest.mark.parametrize(
    ("given", "kind"), [(0, ValueError), ((1, 2), ValueError), (1.5, TypeError), ("3", TypeError), (False, TypeError)]
)
def test_rejects_strides(given: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind) as caught:
        padding.per_axis(given, 3, "strides")
    rule = "`strides` must be a positive integer or one per axis (3)."
    assert str(caught.value) == f"{rule} Received: strides={given!r}"


def test_same_is_tensorflow_s_at_any_stride_and_dilation() -> None:
    for size, kernel, stride, dilation in itertools.product(range(1, 9), range(1, 5), range(1, 6), range(1, 4)):
        geometry = Geometry((kernel,), (stride,), (dilation,), "same")
        assert geometry.pairs((size,)) == (oracle.same_pair(size, kernel, stride, dilation),)
        assert geometry.outputs((size,)) == (-(-size // stride),)


def test_causal_is_the_first_axis_and_same_the_others() -> None:
    geometry = Geometry((3, 4), (1, 2), (2, 1), "causal")
    assert geometry.pairs((5, 6)) == ((4, 0), (1, 1))
    assert geometry.outputs((5, 6)) == (5, 3)


def test_an_output_is_a_place_of_the_window() -> None:
    for size, window, stride in itertools.product(range(9), range(1, 5), range(1, 4)):
        places = range(0, max(size - window + 1, 0), stride)
        assert max(padding.output_size(size, window, stride, (0, 0)), 0) == len(places)


@pytest.mark.parametrize(
    ("mode", "value", "name", "kind", "message"),
    [
        ("wrap", 0, "same", ValueError, "`padding_mode` must be one of zeros, constant, replicate, symmetric, reflect"),
        (None, 0, "same", TypeError, "`padding_mode` must be one of zeros"),
        ("reflect", 0, "valid", ValueError, "`padding_mode` must be zeros with padding='valid'."),
        ("zeros", 1, "same", ValueError, "`padding_value` must be a finite number, and 0 unless padding_mode='cons"),
        ("constant", float("nan"), "same", ValueError, "`padding_value` must be a finite number"),
        ("constant", "1", "same", TypeError, "`padding_value` must be a finite number"),
    ],
)
def test_rejects_mode(mode: Any, value: Any, name: str, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind) as caught:
        padding.check_mode(mode, value, name)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(("mode", "most"), [("reflect", 3), ("symmetric", 4), ("circular", 4), ("replicate", 99)])
def test_rejects_more_than_there_is_to_copy(mode: str, most: int) -> None:
    padding.check_reach(mode, 4, (0, most), 1)
    if most < 99:
        message = f"`padding` must be at most {most} for padding_mode='{mode}' on spatial axis 1 of size 4. Received:"
        with pytest.raises(ValueError, match="at most") as caught:
            padding.check_reach(mode, 4, (most + 1, 0), 1)
        assert str(caught.value) == f"{message} padding=({most + 1}, 0)"
